"""What can be answered without the picture: other visions, and answers that need no model."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from PIL import Image

from lynx.config.errors import LynxError
from lynx.config.seeds import python_random
from lynx.evaluation.judges.base import Claim
from lynx.evaluation.judges.rule import RuleJudge, normalised_answer
from lynx.evaluation.questions import Question
from lynx.evaluation.swap import donors

_GREY = (127, 127, 127)


def without_picture(questions: Sequence[Question], vision: str, *, seed: int) -> list[Question]:
    """The same questions with `vision` ("swapped", "blank" or "text_only") for their pictures.

    swapped: the picture of another question; blank: grey of the picture's size, as many frames;
    text_only: none, so that no vision tokens stand before the text.
    """
    if vision == "swapped":
        places = picture_donors(questions, seed=seed)
        pairs = zip(questions, places, strict=True)
        return [replace(question, images=questions[donor].images) for question, donor in pairs]
    if vision == "blank":
        return [replace(q, images=tuple(_blank(image) for image in q.images)) for q in questions]
    if vision == "text_only":
        return [replace(question, images=()) for question in questions]
    raise ValueError(f"'{vision}' stands for no picture")


def picture_donors(questions: Sequence[Question], *, seed: int) -> list[int]:
    """For each question the place of another of its category whose picture it gets.

    A category's pictures are dealt out again, so that its questions about one picture get the same
    foreign one; a category of one picture draws from the whole benchmark. Raises LynxError if the
    benchmark has only one picture.
    """
    place_of: dict[str, int] = {}
    for place, question in enumerate(questions):
        place_of.setdefault(question.picture, place)
    distinct = list(place_of)
    if len(distinct) == 1:
        raise LynxError(
            "pictures are to be swapped, but all questions of this benchmark have the same one: "
            "ask more questions (evaluation.benchmarks.*.num_questions_per_class)"
        )
    number_of = {picture: number for number, picture in enumerate(distinct)}
    chosen: dict[tuple[str, str], int] = {}
    for category in dict.fromkeys(question.category for question in questions):
        own = dict.fromkeys(q.picture for q in questions if q.category == category)
        numbers = [number_of[picture] for picture in own]
        dealt = donors(distinct, numbers, python_random(seed, "swapped", category))
        for picture, donor in zip(own, dealt, strict=True):
            chosen[category, picture] = place_of[distinct[donor]]
    return [chosen[question.category, question.picture] for question in questions]


def majority_share(questions: Sequence[Question]) -> float:
    """Share of questions right for one who knows the category's most frequent answer."""
    by_category: dict[str, Counter[str]] = {}
    for question in questions:
        answers = by_category.setdefault(question.category, Counter())
        answers[normalised_answer(question.answer)] += 1
    return sum(max(answers.values()) for answers in by_category.values()) / len(questions)


def always_yes_share(questions: Sequence[Question]) -> float | None:
    """Share of questions right for one who always says yes; None where yes is never right."""
    claims = [Claim(q.question, "yes", q.answer) for q in questions]
    right = sum(verdict.correct is True for verdict in RuleJudge().judge(claims))
    return right / len(questions) if right else None


def _blank(image: bytes) -> bytes:
    with Image.open(io.BytesIO(image)) as opened:
        return _grey(opened.size)


@lru_cache(maxsize=64)
def _grey(size: tuple[int, int]) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, _GREY).save(stream, "PNG")
    return stream.getvalue()
