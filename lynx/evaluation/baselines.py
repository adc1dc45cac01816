"""What can be answered without the picture: swapped pictures, and the most frequent answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from lynx.config.errors import LynxError
from lynx.config.seeds import python_random
from lynx.evaluation.judges.rule import normalised_answer
from lynx.evaluation.questions import Question
from lynx.evaluation.swap import donors


def with_swapped_pictures(questions: Sequence[Question], *, seed: int) -> list[Question]:
    """Give every question the picture of another question of its category, never its own.

    The pictures of a category are dealt out again, each as often as before. Where that is
    impossible, because one picture has more than half of a category, its questions draw from the
    whole benchmark. Raises LynxError if the benchmark has only one picture.
    """
    swapped = list(questions)
    pictures = [question.picture for question in questions]
    if len(set(pictures)) == 1:
        raise LynxError(
            "the blind baseline swaps pictures, but all questions of this benchmark have the same "
            "one: ask more questions (evaluation.benchmarks.*.num_questions_per_class)"
        )
    for category in dict.fromkeys(question.category for question in questions):
        places = [i for i, question in enumerate(questions) if question.category == category]
        dealt = donors(pictures, places, python_random(seed, "blind", category))
        for place, donor in zip(places, dealt, strict=True):
            swapped[place] = replace(questions[place], images=questions[donor].images)
    return swapped


def majority_share(questions: Sequence[Question]) -> float:
    """Share of questions right for one who knows the category's most frequent answer."""
    by_category: dict[str, Counter[str]] = {}
    for question in questions:
        answers = by_category.setdefault(question.category, Counter())
        answers[normalised_answer(question.answer)] += 1
    return sum(max(answers.values()) for answers in by_category.values()) / len(questions)
