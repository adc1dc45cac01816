"""Counts of right answers, and the percentages that they are printed as."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property


@dataclass(frozen=True)
class Count:
    """Right answers of n questions."""

    right: int
    n: int


@dataclass(frozen=True)
class Percentage:
    """A percentage as printed, of n questions."""

    text: str  # "76.16", with its decimals
    n: int

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """Every number of right answers that is printed so; empty where none is."""
        return counts_printed_as(self.text, self.n)


def counts_printed_as(text: str, n: int) -> tuple[int, ...]:
    """Every count of n whose percentage is printed as `text`, halves rounded either way."""
    value = Decimal(text)
    step = Decimal(1).scaleb(int(value.as_tuple().exponent))
    low, high = (value - step / 2) * n / 100, (value + step / 2) * n / 100
    first, last = max(0, math.ceil(low)), min(n, math.floor(high))
    return tuple(range(first, last + 1))


def printed(count: Count, places: int) -> str:
    """The percentage of a count, with so many decimals."""
    step = Decimal(1).scaleb(-places)
    share = Decimal(100 * count.right) / Decimal(count.n)
    return str(share.quantize(step, rounding=ROUND_HALF_UP))


def decimals(text: str) -> int:
    """Digits after the point."""
    return -int(Decimal(text).as_tuple().exponent)
