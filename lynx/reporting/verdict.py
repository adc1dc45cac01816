"""Holds a measured difference against the paper's: same direction, opposite, or undecided."""

from __future__ import annotations

from typing import Literal

from lynx.evaluation.statistics import Difference
from lynx.reporting.paper_facts import OVERALL, PaperRow

Verdict = Literal["agrees", "opposite", "undecided", "-"]


def paper_delta(
    base: PaperRow, other: PaperRow, benchmark: str, category: str = OVERALL
) -> float | None:
    """The paper's difference in points, None where it lacks one of the two."""
    before, after = base.percent(benchmark, category), other.percent(benchmark, category)
    return None if before is None or after is None else after - before


def verdict(delta: float | None, measured: Difference | None) -> Verdict:
    """`undecided` if the 95 % interval contains 0 or the paper saw no change; "-" if one lacks."""
    if delta is None or measured is None:
        return "-"
    # Differences of printed percentages carry rounding noise; a real one is at least 0.3 points.
    if abs(delta) < 1e-6 or measured.interval.contains(0.0):
        return "undecided"
    return "agrees" if (delta > 0) == (measured.value > 0) else "opposite"
