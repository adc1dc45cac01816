"""Counts the questions that every run answers rightly, and those that change with the seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

from lynx.evaluation.comparing.joining import joined
from lynx.evaluation.results import ResultFiles
from lynx.tracking.run_dir import RunDir


@dataclass(frozen=True)
class Stability:
    """What several runs have in common on one benchmark."""

    num_runs: int
    n: int  # questions
    always_right: int  # the stable core
    never_right: int

    @property
    def contested(self) -> int:
        """Questions on which the runs disagree."""
        return self.n - self.always_right - self.never_right


def stability(runs: Sequence[RunDir], benchmark: str) -> Stability:
    """Over all runs, of whatever variant or seed; raises LynxError as `compare` does."""
    verdicts = _verdicts(runs, benchmark)
    counts = [sum(one) for one in zip(*verdicts, strict=True)]
    return Stability(len(runs), len(counts), counts.count(len(runs)), counts.count(0))


def seed_churn(runs: Sequence[RunDir], benchmark: str) -> float | None:
    """Questions that flip between two seeds of one variant, mean over pairs; None with one seed.

    A change of the variant that flips no more questions than this looks like another seed.
    """
    pairs = list(combinations(_verdicts(runs, benchmark), 2))
    if not pairs:
        return None
    return fmean(sum(a != b for a, b in zip(*pair, strict=True)) for pair in pairs)


def _verdicts(runs: Sequence[RunDir], benchmark: str) -> list[list[bool]]:
    answers = joined([ResultFiles(run.eval_dir(benchmark)) for run in runs])
    return [[result.correct is True for result in one] for one in answers]
