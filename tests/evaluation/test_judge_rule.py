"""The string rule's truth table."""

from __future__ import annotations

import pytest

from lynx.evaluation.judges.base import Claim
from lynx.evaluation.judges.rule import RuleJudge, normalised_answer

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
