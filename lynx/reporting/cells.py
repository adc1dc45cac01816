"""Writes statistics into cells: p values, intervals, differences; and tables that fit the width."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from lynx.evaluation.statistics import Interval
from lynx.reporting.text import WIDTH, columns


def p_text(p: float) -> str:
    """A p with three decimals; one below 5 % is never rounded up to it."""
    if 0.0495 <= p < 0.05:
        return "<.050"
    return "<.001" if p < 0.001 else f"{p:.3f}"


def interval_text(interval: Interval, *, scale: float = 100.0) -> str:
    """An interval, of shares in points."""
    return f"[{scale * interval.low:+.1f}, {scale * interval.high:+.1f}]"


def difference_cell(value: float, interval: Interval, *, scale: float = 100.0) -> str:
    """A difference, of shares in points, with its interval."""
    return f"{scale * value:+.1f} {interval_text(interval, scale=scale)}"


def fitted(rows: Sequence[Sequence[str]], *, left: Collection[int] = (0,)) -> str:
    """Aligned columns, closer together where they would be too wide."""
    wide = columns(rows, left=left)
    return "\n".join(
        wide if max(map(len, wide)) <= WIDTH else columns(rows, gap=1, left=left)
    )  # fmt: skip
