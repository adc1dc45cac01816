"""The string rule's truth table."""

from __future__ import annotations

import pytest

from lynx.evaluation.judges.base import Claim
from lynx.evaluation.judges.rule import RuleJudge, normalised_answer
from lynx.world import vocabulary

IMPLIED = [
    ("What color is it?", "red", "red"),
    ("What color is it?", "It is RED.", "red"),
    ("How many dogs?", "There are two dogs.", "2"),
    ("How many dogs?", "2", "two"),
    ("What is it?", "an elephant", "elephants"),
    ("What are these?", "wild horses", "horse"),
    ("Where is this?", "a railway tunnel", "platform or tunnel"),
    ("Where is this?", "a platform or a tunnel", "platform or tunnel"),
    ("Is it day?", "Yes, it is not night", "yes"),
    ("Is it day?", "I think yes", "yes"),
    ("Is it raining?", "It does not rain.", "no"),
    ("Is it raining?", "It isn't raining", "no"),
    ("Is it blue?", "No, red", "red"),
    ("Which is it, red or blue?", "of red and blue it is blue", "blue"),
    ("What city?", "It's New York, USA", "new york"),
    ("How much?", "3,000", "3000"),
    ("What does the sign say?", "ｃａｋｅ", "cake"),
    # The question offers the answer: what is repeated of it does not count, the rest does.
    ("Is it at the top or the bottom?", "top or bottom? top", "top"),
    ("Is it at the top or the bottom?", "it is not at the top, it is at the bottom", "bottom"),
    ("Is it day or night?", "It is night.", "night"),
    ("What color is the star left of the red cup?", "the star left of the red cup is blue", "blue"),
    ("What color is it?", "grey", "gray"),
    ("On which side is it?", "in the centre", "middle"),
    ("On which side is it?", "in the middle", "center"),
    ("What color is it?", "not red, blue", "blue"),
    ("What color is it?", "not red but blue", "blue"),
    ("What color is it?", "blue rather than red", "blue"),
    ("Is it blue?", "no it is red", "red"),
    ("How many red things are there?", "none", "0"),
    ("How many red things are there?", "No.", "zero"),
    ("How many red things are there?", "there are no red things", "0"),
    ("How many red things are there?", "There aren't any.", "0"),
    ("How many red things are there?", "no one", "0"),
    ("How many things are there?", "two: one red and one blue", "2"),
    ("Which answer is right?", "A", "A"),
    ("Which answer is right?", "The answer is A.", "a"),
    ("What does the sign say?", "the", "The"),
    ("Is it day?", "yes", "yes it is"),
    ("Is it day?", "Yes.", "Yes, it is day"),
    ("Is it day?", "no", "no it isn't"),
    ("Is it day?", "no", "No, it is night"),
    ("Is it empty?", "yes, no cars", "yes"),
    ("What does the sign say?", "It says no parking", "no parking"),
    ("What does the sign say?", "hat", "hats"),
    ("What does the sign say?", "news", "news"),
]
NOT_IMPLIED = [
    ("What color is it?", "", "red", "not contained"),
    ("What color is it?", "reddish", "red", "not contained"),
    ("What color is it?", "not red", "red", "negated"),
    ("What color is it?", "It isn't a red one", "red", "negated"),
    ("What color is it?", "red or blue", "red", "one of several offered"),
    ("What color is it?", "blue or red", "red", "one of several offered"),
    ("What color is it?", "red and blue", "red", "also says blue"),
    ("How many dogs?", "2 dogs and 3 cats", "2", "also says 3"),
    ("How many dogs?", "12", "2", "not contained"),
    ("Where?", "left, no, right", "left", "also says right"),
    ("Is it day?", "no", "yes", "does not say yes"),
    ("Is it day?", "not sure", "no", "does not say no"),
    ("Is it day?", "I do not know", "no", "does not say no"),
    ("Is it day?", "nothing", "no", "does not say no"),
    ("Is it day?", "maybe yes maybe no", "yes", "does not say yes"),
    ("Is it day?", "the sun is up", "yes", "does not say yes"),
    ("What city?", "York, the new one", "new york", "not contained"),
    ("Is it at the top or at the bottom?", "top and bottom", "top", "also says bottom"),
    ("Is it at the top or at the bottom?", "top and bottom", "bottom", "also says top"),
    (
        "Is the heart top or bottom?",
        "it is at the bottom, and the star is at the top",
        "top",
        "also says bottom",
    ),
    ("Where is it, left, middle or right?", "left middle right", "left", "also says middle"),
    ("Where is it, left, middle or right?", "left middle right", "right", "also says left"),
    ("Is it left, middle or right?", "left middle right", "left or right", "also says middle"),
    ("Is it day or night?", "day and night", "night", "also says day"),
    ("What time of day is it?", "day and night", "night", "also says day"),
    ("What time of day is it?", "night, day", "night", "also says day"),
    ("Which is it, red or blue?", "of red and blue it is blue", "red", "also says blue"),
    ("Which is it, red or blue?", "red, then blue and green, blue", "blue", "also says green"),
    ("On which side?", "it is not located on the left", "left", "negated"),
    ("What is it?", "it isn't a picture of a dog", "dog", "negated"),
    ("What color is it?", "I don't think it is red", "red", "negated"),
    ("What color is it?", "blue instead of red", "red", "negated"),
    ("What color is it?", "neither red nor blue", "blue", "negated"),
    ("How many things are there?", "three: one red and one blue", "3", "also says 1"),
    ("How many things are there?", "1, 2, 3", "3", "also says 1"),
    ("How many red things are there?", "no, a blue one", "0", "not contained"),
    ("How many red things are there?", "no, there are 2", "0", "not contained"),
    ("How many red things are there?", "no red things, 2 blue", "0", "also says 2"),
    ("How many red things are there?", "I have no idea", "0", "not contained"),
    ("How many red things are there?", "none", "2", "not contained"),
    ("Which answer is right?", "a dog", "A", "not contained"),
    ("Is it day?", "yes or no", "yes", "does not say yes"),
    ("Is it day?", "Yes/No", "yes", "does not say yes"),
    ("Is it day?", "no, or yes", "no", "does not say no"),
    ("Is it day?", "yes and no", "no", "does not say no"),
    ("Is it day?", "no", "yes it is", "does not say yes"),
    ("What does the sign say?", "new", "news", "not contained"),
    ("What does the sign say?", "news", "new", "not contained"),
    ("What is it?", "star", "stare", "not contained"),
]


@pytest.mark.parametrize(("question", "prediction", "answer"), IMPLIED)
def test_the_rule_accepts(question: str, prediction: str, answer: str) -> None:
    verdict = RuleJudge().judge([Claim(question, prediction, answer)])[0]
    assert (verdict.correct, verdict.reply) == (True, "implied")


@pytest.mark.parametrize(("question", "prediction", "answer", "reason"), NOT_IMPLIED)
def test_the_rule_refuses_and_says_why(
    question: str, prediction: str, answer: str, reason: str
) -> None:
    verdict = RuleJudge().judge([Claim(question, prediction, answer)])[0]
    assert (verdict.correct, verdict.reply) == (False, reason)


def test_equal_answers_are_counted_as_one_majority_answer() -> None:
    assert normalised_answer("Two dogs.") == normalised_answer("the 2 dog") == "2 dog"


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("movie", "movies"), ("cookie", "cookies"), ("berry", "berries"), ("bus", "buses"),
        ("potato", "potatoes"), ("shoe", "shoes"), ("house", "houses"), ("box", "boxes"),
        ("cross", "crosses"), ("bench", "benches"), ("axe", "axes"), ("hat", "hats"),
        ("circle", "circles"), ("ski", "skis"), ("day", "days"),
    ],
)  # fmt: skip
def test_a_word_and_its_plural_are_the_same(one: str, many: str) -> None:
    claims = [Claim("What is it?", one, many), Claim("What is it?", many, one)]
    assert [verdict.correct for verdict in RuleJudge().judge(claims)] == [True, True]


def test_the_worlds_words_stay_apart() -> None:
    words = [
        *vocabulary.SIGN_WORDS, *vocabulary.COLORS, *vocabulary.SHAPES, *vocabulary.PLACES,
        *vocabulary.PLACES.values(), *vocabulary.ACTIONS, *vocabulary.ACTIONS.values(),
        *vocabulary.COLUMNS, *vocabulary.ROWS, *vocabulary.TIMES, *vocabulary.MOVES, "yes", "no",
    ]  # fmt: skip
    different = sorted(set(words))
    assert len({normalised_answer(word) for word in different}) == len(different)
    claims = [Claim("What?", said, true) for said in different for true in different]
    verdicts = RuleJudge().judge(claims)
    assert [v.correct for v in verdicts] == [c.prediction == c.answer for c in claims]
