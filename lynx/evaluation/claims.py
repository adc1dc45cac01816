"""Says what a table of counts alone can support: best case, most flips allowed, unpaired test.

Two rows of a table answered the same n questions, but the table does not say which questions each
had right. If b and o are right, at least |o - b| questions flipped; McNemar's exact test is most
impressed if no more did. So there is a smallest possible p, and a largest number of flips with
which p could still be below .05.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from scipy.stats import binomtest, fisher_exact, norm

from lynx.evaluation.comparing.printed import (
    Count,
    Percentage,
    counts_printed_as,
    decimals,
    printed,
)
from lynx.evaluation.statistics import holm, mcnemar_exact

LEVEL = 0.05
OVERALL = "Overall"
Finding = Literal["none", "no data", "only if", "unpaired"]


@dataclass(frozen=True)
class Row:
    """A line of a table: counts by category, and percentages as printed."""

    name: str
    categories: Mapping[str, Count]
    percentages: Mapping[str, Percentage]  # by category, and of all questions as "Overall"

    @property
    def total(self) -> Count | None:
        """Of all questions: the categories' sum, or what the percentage of all stands for.

        The latter where the categories are not all of the questions; None where no count or more
        than one is printed so.
        """
        overall, summed = self.percentages.get(OVERALL), self.sum
        if summed is not None and (overall is None or overall.n == summed.n):
            return summed
        if overall is None or len(overall.counts) != 1:
            return None
        return Count(overall.counts[0], overall.n)

    @property
    def sum(self) -> Count | None:
        """Of the categories; None where one is missing, as its percentage is no count's."""
        if not self.categories or self.percentages.keys() - {OVERALL} - self.categories.keys():
            return None
        counts = self.categories.values()
        return Count(sum(one.right for one in counts), sum(one.n for one in counts))

    def count(self, category: str) -> Count | None:
        """Of a category, or of all."""
        return self.total if category == OVERALL else self.categories.get(category)


@dataclass(frozen=True)
class Table:
    """Rows that answered the same questions, one of which the others are held against.

    wins: by row, questions on which people preferred it to the base, of all that were compared
    (the others count as lost, as if there were no ties).
    """

    title: str
    base: str
    rows: Mapping[str, Row]
    wins: Mapping[str, Count]


@dataclass(frozen=True)
class Support:
    """What can be said of a row against the base on one category, from two counts."""

    row: str
    category: str
    base: Count
    other: Count
    best_p: float  # McNemar's exact p if only the surplus flipped: none from the counts is smaller
    gained: int  # fewest that must have been gained, and lost, by the categories' counts
    lost: int
    least_p: float  # McNemar's p of those; with no categories, best_p
    most_flips: int | None  # with more flips p can't be below .05; None: no data give p < .05
    always: bool  # p < .05 whichever questions flipped
    unpaired_p: float
    unpaired_test: str  # "z" or "Fisher"
    least_holm: float  # least_p and unpaired_p, corrected for the rows of the table (Holm)
    unpaired_holm: float

    @property
    def finding(self) -> Finding:
        """In short: no difference; no data can support one; some could; supported anyway."""
        if self.base.right == self.other.right:
            return "none"
        if self.most_flips is None:
            return "no data"
        return "unpaired" if self.unpaired_p < LEVEL else "only if"


@dataclass(frozen=True)
class Sign:
    """A sign test of wins against losses, two-sided, as if there were no ties."""

    row: str
    won: Count
    p: float


def supports(table: Table) -> list[Support]:
    """Every other row against the base, on all questions.

    The categories, where printed, say more than their sum: what one gains and another loses must
    have flipped too. Holm's correction is over the rows. Rows without a count, or with one of other
    questions, are left out.
    """
    return _supports(table, [OVERALL]) if table.rows else []


def supports_by_category(table: Table) -> list[Support]:
    """Every other row against the base on each category, Holm's correction over all of them."""
    return _supports(table, categories_of(table))


def categories_of(table: Table) -> list[str]:
    """Categories that the base's row has counts for."""
    return list(table.rows[table.base].categories) if table.rows else []


def _supports(table: Table, categories: Sequence[str]) -> list[Support]:
    found = [
        support
        for category in categories
        for row in table.rows.values()
        if row.name != table.base
        and (support := _support(table.rows[table.base], row, category)) is not None
    ]
    least = holm([one.least_p for one in found])
    unpaired = holm([one.unpaired_p for one in found])
    return [
        replace(one, least_holm=p, unpaired_holm=u)
        for one, p, u in zip(found, least, unpaired, strict=True)
    ]


def signs(table: Table) -> list[Sign]:
    """The sign test of each row whose wins over the base are printed."""
    return [
        Sign(name, won, float(binomtest(won.right, won.n, 0.5).pvalue))
        for name, won in table.wins.items()
    ]


def impossible(table: Table) -> list[str]:
    """Printed percentages that no count gives, or that another count gives than the categories."""
    lines = []
    for row in table.rows.values():
        for category, percentage in row.percentages.items():
            name = row.name if category == OVERALL else f"{row.name}, {category}"
            of_sum = _not_the_sum(row.sum, percentage) if category == OVERALL else ""
            if of_sum or not percentage.counts:
                lines.append(f"{name}: {of_sum or _no_count(percentage)}")
    return lines


def unpaired_p(base: Count, other: Count) -> tuple[float, str]:
    """p of two shares of different questions, and the test that gave it.

    The z test with pooled variance; Fisher's exact one where an expected count is below five.
    """
    right, wrong = base.right + other.right, base.n + other.n - base.right - other.right
    smallest = min(right, wrong) * min(base.n, other.n) / (base.n + other.n)
    if smallest < 5:
        table = [[one.right, one.n - one.right] for one in (base, other)]
        return float(fisher_exact(table).pvalue), "Fisher"
    share = right / (base.n + other.n)
    error = math.sqrt(share * (1 - share) * (1 / base.n + 1 / other.n))
    return 2 * float(norm.sf(abs(base.right / base.n - other.right / other.n) / error)), "z"


def most_flips(base: Count, other: Count) -> tuple[int | None, bool]:
    """The largest number of flips with p < .05, and whether more than that can't be.

    Flips beyond the surplus come in twos, one each way, and are bounded by the counts. None where
    the surplus alone has p >= .05, or there is none.
    """
    surplus = abs(other.right - base.right)
    few, many = sorted((base.right, other.right))
    if surplus == 0:
        return None, False
    # p only grows with flips that go both ways, so the first that is too many can be bisected for.
    possible = range(min(few, base.n - many) + 1)
    number = bisect_left(
        possible, LEVEL, key=lambda both_ways: mcnemar_exact(surplus + both_ways, both_ways)
    )
    most = surplus + 2 * (number - 1) if number else None
    return most, number == len(possible)


def _support(base_row: Row, row: Row, category: str) -> Support | None:
    base, other = base_row.count(category), row.count(category)
    if base is None or other is None or base.n != other.n:
        return None
    gained, lost = _needed_flips(base_row, row, category)
    most, always = most_flips(base, other)
    least_p = mcnemar_exact(gained, lost)
    can_be = most is not None and gained + lost <= most
    p, test = unpaired_p(base, other)
    return Support(
        row=row.name,
        category=category,
        base=base,
        other=other,
        best_p=mcnemar_exact(abs(other.right - base.right), 0),
        gained=gained,
        lost=lost,
        least_p=least_p,
        most_flips=most if can_be else None,
        always=always,
        unpaired_p=p,
        unpaired_test=test,
        least_holm=least_p,
        unpaired_holm=p,
    )


def _needed_flips(base: Row, other: Row, category: str) -> tuple[int, int]:
    """Questions that must have been gained, and lost."""
    pairs = [(base.count(category), other.count(category))]
    if category == OVERALL and base.total == base.sum and other.total == other.sum:
        by_category = [(base.count(name), other.count(name)) for name in base.categories]
        if all(b is not None and o is not None and b.n == o.n for b, o in by_category):
            pairs = by_category
    changes = [o.right - b.right for b, o in pairs if b is not None and o is not None]
    return sum(c for c in changes if c > 0), -sum(c for c in changes if c < 0)


def _not_the_sum(summed: Count | None, percentage: Percentage) -> str:
    """What the categories' sum is printed as where that isn't the percentage, else nothing.

    Categories of fewer questions may be a part of all.
    """
    if summed is None or summed.n < percentage.n:
        return ""
    if summed.n == percentage.n and summed.right in percentage.counts:
        return ""
    right, n, text = summed.right, summed.n, percentage.text
    others = [other for other in (n - 1, n + 1) if right in counts_printed_as(text, other)]
    hint = f", which is {right}/{others[0]}" if others else ""
    share = printed(summed, decimals(text))
    return f"the categories' {right}/{n} is {share} %, not {text} %{hint}"


def _no_count(percentage: Percentage) -> str:
    n = percentage.n
    below = math.floor(Decimal(percentage.text) * n / 100)
    near = [Count(right, n) for right in (below, below + 1) if right <= n]
    places = decimals(percentage.text)
    shown = " and ".join(f"{one.right}/{n} is {printed(one, places)} %" for one in near)
    return f"no count of {n} is {percentage.text} %: {shown}"
