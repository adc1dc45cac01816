"""What can be answered without the picture: swapped pictures, and the most frequent answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from lynx.config.errors import LynxError
from lynx.config.seeds import python_random
from lynx.evaluation.judges.rule import normalised_answer
from lynx.evaluation.questions import Question


def with_swapped_pictures(questions: Sequence[Question], *, seed: int) -> list[Question]:
    """Give every question the picture of another question of its category, never its own.

    The pictures of a category are dealt out again, each as often as before. Where that is
    impossible, because one picture has more than half of a category, its questions draw from the
    whole benchmark. Raises LynxError if the benchmark has only one picture.
    """
    swapped = list(questions)
    for category in dict.fromkeys(question.category for question in questions):
        places = [i for i, question in enumerate(questions) if question.category == category]
        for place, donor in zip(places, _donors(questions, places, seed=seed), strict=True):
            swapped[place] = replace(questions[place], images=questions[donor].images)
    return swapped


def majority_share(questions: Sequence[Question]) -> float:
    """Share of questions right for one who knows the category's most frequent answer."""
    by_category: dict[str, Counter[str]] = {}
    for question in questions:
        answers = by_category.setdefault(question.category, Counter())
        answers[normalised_answer(question.answer)] += 1
    return sum(max(answers.values()) for answers in by_category.values()) / len(questions)


def _donors(questions: Sequence[Question], places: list[int], *, seed: int) -> list[int]:
    """For each place the question that gives its picture.

    With equal pictures side by side, a shift by the largest group meets no equal picture.
    """
    rng = python_random(seed, "blind", questions[places[0]].category)
    groups: dict[str, list[int]] = {}
    for place in places:
        groups.setdefault(questions[place].picture, []).append(place)
    shuffled = list(groups.values())
    rng.shuffle(shuffled)
    order = [place for group in shuffled for place in group]
    shift = max(len(group) for group in shuffled)
    if 2 * shift <= len(order):
        donor_of = {place: order[(i + shift) % len(order)] for i, place in enumerate(order)}
        return [donor_of[place] for place in places]
    return [_anyone_else(questions, place, rng.random()) for place in places]


def _anyone_else(questions: Sequence[Question], place: int, draw: float) -> int:
    own = questions[place].picture
    others = [i for i, question in enumerate(questions) if question.picture != own]
    if not others:
        raise LynxError(
            "the blind baseline swaps pictures, but all questions of this benchmark have the same "
            "one: ask more questions (evaluation.benchmarks.*.num_questions_per_class)"
        )
    return others[int(draw * len(others))]
