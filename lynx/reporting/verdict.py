"""Holds a measured difference against the paper's: same direction, opposite, or undecided."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal

from scipy.stats import norm
from scipy.stats import t as student_t

from lynx.evaluation.compare import Paired
from lynx.evaluation.statistics import Interval
from lynx.reporting.paper_facts import OVERALL, PaperRow

Verdict = Literal["agrees", "opposite", "undecided", "-"]
VERDICTS = (
    "agrees, opposite: no interval contains 0 (over seeds too, where there are several); "
    "undecided: one does, or the paper saw no change."
)


def paper_delta(
    base: PaperRow, other: PaperRow, benchmark: str, category: str = OVERALL
) -> float | None:
    """The paper's difference in points, None where it lacks one of the two."""
    before, after = base.percent(benchmark, category), other.percent(benchmark, category)
    return None if before is None or after is None else after - before


def verdict(delta: float | None, measured: Paired | None, *, num_verdicts: int = 1) -> Verdict:
    """`undecided` if the difference is no more than noise or the paper saw none; "-" if one lacks.

    num_verdicts: see `is_decided`.
    """
    if delta is None or measured is None:
        return "-"
    # Differences of printed percentages carry rounding noise; a real one is at least 0.3 points.
    if abs(delta) < 1e-6 or not is_decided(measured, num_verdicts=num_verdicts):
        return "undecided"
    return "agrees" if (delta > 0) == (measured.difference.value > 0) else "opposite"


def direction(delta: float, value: float, intervals: Iterable[Interval]) -> Verdict:
    """The verdict on a figure of any unit: decided where none of its intervals contains 0."""
    if abs(delta) < 1e-6 or any(interval.contains(0.0) for interval in intervals):
        return "undecided"
    return "agrees" if (delta > 0) == (value > 0) else "opposite"


def is_decided(measured: Paired, *, num_verdicts: int = 1) -> bool:
    """Whether the interval over questions excludes 0 and, with several seeds, that over seeds.

    num_verdicts: how many are read side by side; the intervals are widened to hold all at once with
    95 % (Bonferroni).
    """
    value, tail = measured.difference.value, 0.025
    widening = norm.ppf(1 - tail / num_verdicts) / norm.ppf(1 - tail)
    decided = _excludes_zero(measured.difference.interval, value, widening)
    if measured.seed_interval is not None:
        freedom = measured.num_seeds - 1
        widening = student_t.ppf(1 - tail / num_verdicts, freedom) / student_t.ppf(
            1 - tail, freedom
        )
        decided = decided and _excludes_zero(measured.seed_interval, value, widening)
    return decided


def side_by_side(category: str, categories: Collection[str]) -> int:
    """Verdicts read at once: one for each category; that of all questions stands alone."""
    return 1 if category == OVERALL else max(1, len(set(categories) - {OVERALL}))


def _excludes_zero(interval: Interval, value: float, widening: float) -> bool:
    further = (widening - 1) * max(interval.high - value, value - interval.low)
    return not Interval(interval.low - further, interval.high + further).contains(0.0)
