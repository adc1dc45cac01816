"""The world's MME: a yes and a no about each picture, and words that give nothing away."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from functools import cache
from typing import Any

import pytest

from lynx.config.paths import from_root
from lynx.evaluation.benchmarks import mme_tasks
from lynx.evaluation.questions import Question
from lynx.world import vocabulary as words
from lynx.world.benchmarks import mme

TASKS = (
    "existence", "count", "position", "color", "scene", "OCR", "commonsense_reasoning",
    "numerical_calculation",
)  # fmt: skip


@cache
def _questions() -> list[dict[str, Any]]:
    return mme.draw()


def _pairs() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    rows = _questions()
    return list(zip(rows[::2], rows[1::2], strict=True))


def _words(row: dict[str, Any]) -> list[str]:
    return re.findall(r"\w+", row["question"].removesuffix(mme.SUFFIX))


def test_it_is_the_same_every_time() -> None:
    assert mme.draw() == _questions()


def test_rows_are_questions_of_mme_in_its_order() -> None:
    questions = [Question(index=index, **row) for index, row in enumerate(_questions())]
    assert list(dict.fromkeys(q.category for q in questions)) == list(TASKS)
    assert [task for task in mme_tasks.TASKS if task in TASKS] == list(TASKS)
    assert len({q.id for q in questions}) == len(questions) == 2 * 24 * len(TASKS)
    assert mme.SUFFIX == mme_tasks.SUFFIX
    for q in questions:
        assert q.question.endswith(f"?{mme_tasks.SUFFIX}")
        assert q.id.startswith(f"{q.image_name}/") and q.image_name.startswith(f"{q.category}/")


def test_each_picture_has_one_yes_and_one_no() -> None:
    for first, second in _pairs():
        assert first["images"] == second["images"] and first["image_name"] == second["image_name"]
        assert (first["answer"], second["answer"]) == ("Yes", "No")
        assert first["question"] != second["question"]


def test_pictures_are_all_different() -> None:
    assert len({first["images"] for first, _ in _pairs()}) == len(_pairs())


@pytest.mark.parametrize("task", TASKS)
def test_no_word_tells_the_answer(task: str) -> None:
    """The pair's questions differ in words that are right as often as they are wrong."""
    answers: dict[str, Counter[str]] = defaultdict(Counter)
    for row in _questions():
        if row["category"] == task:
            for position, word in enumerate(_words(row)):
                # Who stands first in "is A left of B" counts: the place belongs to the word.
                answers[f"{position} {word}" if task == "position" else word][row["answer"]] += 1
    assert len(answers) > 5
    for word, count in answers.items():
        assert count["Yes"] == count["No"], word


def test_the_answers_follow_from_the_picture() -> None:
    """Read again from the true description, not from the scene that the question came from."""
    for first, second in _pairs():
        facts = _Facts(first["caption"])
        check = _CHECKS[first["category"]]
        assert check(facts, _words(first)) is True, first["question"]
        assert check(facts, _words(second)) is False, second["question"]


def test_every_word_is_one_token_of_the_desks_language_models() -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(from_root("backbones/desk/vicuna"))
    seen = {w for row in _questions() for w in re.findall(r"\w+|[^\w\s]", row["question"])}
    assert {word for word in seen if len(tokenizer.tokenize(word)) != 1} == set()


class _Facts:
    """What a description says: the person, the place, the sign, and the things with their cells."""

    def __init__(self, caption: str) -> None:
        self.text = caption
        spoken = re.findall(r"\w+", caption)
        self.place = next(word for word in spoken if word in words.PLACES)
        self.action = next(word for word in spoken if word in words.ACTIONS)
        self.word = next(word for word in spoken if word in words.SIGN_WORDS)
        self.things = []
        for sentence in caption.split("."):
            said = re.findall(r"\w+", sentence)
            if shape := [word for word in said if word in words.SHAPES]:
                self.things.append(
                    (
                        shape[0],
                        next(word for word in said if word in words.COLORS),
                        words.COLUMNS.index(next(w for w in said if w in words.COLUMNS)),
                        words.ROWS.index(next(w for w in said if w in words.ROWS)),
                    )
                )

    def count(self, shape: str) -> int:
        return sum(thing[0] == shape for thing in self.things)

    def of(self, shape: str) -> tuple[str, str, int, int]:
        (thing,) = [thing for thing in self.things if thing[0] == shape]
        return thing


def _shapes_in(asked: list[str]) -> list[str]:
    singular = {plural: shape for shape, plural in words.PLURALS.items()}
    named = [singular.get(word, word) for word in asked]
    return [word for word in named if word in words.SHAPES]


def _number_in(asked: list[str]) -> int:
    return next(int(word) for word in asked if word.isdigit())


def _counted(facts: _Facts, asked: list[str]) -> bool:
    shapes = _shapes_in(asked)
    total = sum(facts.count(shape) for shape in shapes) if shapes else len(facts.things)
    return total == _number_in(asked)


def _placed(facts: _Facts, asked: list[str]) -> bool:
    first, second = (facts.of(shape) for shape in _shapes_in(asked))
    axis = 2 if "left" in asked else 3
    return first[axis] < second[axis]


def _known(facts: _Facts, asked: list[str]) -> bool:
    return words.PLACES[facts.place] in asked or words.ACTIONS[facts.action] in asked


_CHECKS = {
    "existence": lambda facts, asked: facts.count(_shapes_in(asked)[0]) > 0,
    "count": _counted,
    "position": _placed,
    "color": lambda facts, asked: facts.of(_shapes_in(asked)[0])[1] in asked,
    "scene": lambda facts, asked: facts.place in asked,
    "OCR": lambda facts, asked: facts.word in asked,
    "commonsense_reasoning": _known,
    "numerical_calculation": _counted,
}
