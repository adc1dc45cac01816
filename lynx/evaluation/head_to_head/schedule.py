"""Decides which two answers are compared on which instruction."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from lynx.config.seeds import python_random

REFERENCE = "human_verified_reference"  # the leaderboard's name of the reference answers
NUM_REFERENCE_COMPARISONS = 150  # of each newcomer, on the leaderboard
Schedule = Literal["all-pairs", "official"]
Answers = Mapping[str, Mapping[str, str]]  # model -> question id -> answer


@dataclass(frozen=True)
class Pairing:
    """Two models on one question; which is A is drawn."""

    question: str  # id
    model_a: str
    model_b: str


def pairings(
    answers: Answers,
    questions: Sequence[str],
    *,
    schedule: Schedule,
    seed: int,
    originals: Collection[str] = (),
) -> list[Pairing]:
    """The pairings of a schedule, none twice; questions: ids, in order."""
    if schedule == "all-pairs":
        return all_pairs(answers, questions, seed=seed)
    return official_schedule(answers, questions, seed=seed, originals=originals)


def all_pairs(answers: Answers, questions: Sequence[str], *, seed: int) -> list[Pairing]:
    """Every two models on every question that both have answered."""
    return [
        _drawn(question, one, other, seed)
        for question in questions
        for one, other in combinations(answers, 2)
        if question in answers[one] and question in answers[other]
    ]


def official_schedule(
    answers: Answers,
    questions: Sequence[str],
    *,
    seed: int,
    originals: Collection[str] = (),
    num_reference_comparisons: int = NUM_REFERENCE_COMPARISONS,
) -> list[Pairing]:
    """The leaderboard's: all pairs of the originals and the reference; of every newcomer some
    comparisons with the reference, and one with a random other model on each of its questions.

    originals: models that fight all pairs; all others are newcomers. A pairing that two newcomers
    drew on the same question is kept once. The leaderboard's own draws can't be repeated: its seed
    is Python's hash of the model's name, which differs from process to process.
    """
    veterans = {name: answers[name] for name in answers if name in originals or name == REFERENCE}
    made = all_pairs(veterans, questions, seed=seed)
    for name in answers:
        if name not in veterans:
            made += _of_newcomer(name, answers, questions, seed, num_reference_comparisons)
    unique: dict[tuple[str, frozenset[str]], Pairing] = {}
    for one in made:
        unique.setdefault((one.question, frozenset((one.model_a, one.model_b))), one)
    return list(unique.values())


def _of_newcomer(
    name: str, answers: Answers, questions: Sequence[str], seed: int, num_references: int
) -> Iterator[Pairing]:
    rng = python_random(seed, "head_to_head", "newcomer", name)
    own = [question for question in questions if question in answers[name]]
    referenced = [question for question in own if question in answers.get(REFERENCE, {})]
    for question in rng.sample(referenced, min(num_references, len(referenced))):
        yield _drawn(question, name, REFERENCE, seed)
    for question in own:
        others = [
            other for other in answers
            if other not in (name, REFERENCE) and question in answers[other]
        ]  # fmt: skip
        if others:
            yield _drawn(question, name, rng.choice(others), seed)


def _drawn(question: str, one: str, other: str, seed: int) -> Pairing:
    """Who is A depends on the two and the question alone, so that a further model moves nothing."""
    one, other = sorted((one, other))
    rng = python_random(seed, "head_to_head", "order", question, one, other)
    return Pairing(question, one, other) if rng.random() < 0.5 else Pairing(question, other, one)
