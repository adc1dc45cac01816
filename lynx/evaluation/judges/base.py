"""What a judge is given and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Claim:
    """An answer to be judged: does `prediction` imply `answer`, given the question?"""

    question: str
    prediction: str
    answer: str


@dataclass(frozen=True)
class Verdict:
    """A judge's decision; `correct` is None where its reply was neither yes nor no."""

    correct: bool | None
    reply: str  # the judge's own words, or the reason of a rule
    repeats: tuple[bool | None, ...] = ()  # further verdicts on the same claim; the first counts


class Judge(Protocol):
    """Decides claims; `name` stands beside every score that comes from it."""

    @property
    def name(self) -> str:
        """What is printed: "rule:v1" or the name of a model."""
        ...

    def judge(self, claims: Sequence[Claim]) -> list[Verdict]:
        """One verdict per claim, in order."""
        ...
