"""Gives the numbers that the paper prints, from `facts/tables.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from lynx.config.errors import LynxError

OVERALL = "Overall"
OWLEVAL_QUESTIONS = 82
# Table 7 gives the categories of Table 5's rows.
_SAME_ROWS_AS = {7: 5}


@dataclass(frozen=True)
class PaperRow:
    """One row of a table: right answers by benchmark and category, and overall percentages."""

    name: str
    counts: Mapping[str, Mapping[str, int]]
    overall: Mapping[str, float]  # percent
    owleval_win: int | None  # of OWLEVAL_QUESTIONS
    plug_and_play: tuple[str, ...] = ()  # benchmarks answered after a description of the picture

    def percent(self, benchmark: str, category: str = OVERALL) -> float | None:
        """Percentage of right answers, None where the paper has none."""
        if category == OVERALL:
            return self.overall.get(benchmark)
        count = self.counts.get(benchmark, {}).get(category)
        return None if count is None else 100 * count / totals(benchmark)[category]

    def printed(self, benchmark: str, category: str = OVERALL) -> str:
        """The cell as the paper prints it: a percentage, or right answers of all; "-" for none."""
        percent = self.percent(benchmark, category)
        if percent is None:
            return "-"
        if category == OVERALL:
            return f"{percent:.2f}"
        return f"{self.counts[benchmark][category]}/{totals(benchmark)[category]}"


def paper_row(table: int, row: str) -> PaperRow:
    """A row by the name it is printed under."""
    rows = _rows(table)
    if row not in rows:
        raise LynxError(
            f"the paper's Table {table} has no row '{row}' (ablations/*.yaml, paper.row); "
            f"there are: {', '.join(rows)}"
        )
    return rows[row]


def base_row(table: int) -> PaperRow:
    """The row to which a table's ablations are compared."""
    return paper_row(table, _table(table)["base"])


def row_names(table: int) -> list[str]:
    """All rows of a table, in the order printed."""
    return list(_rows(table))


def totals(benchmark: str) -> dict[str, int]:
    """Questions by category, in the paper's order; empty for a benchmark the paper lacks."""
    categories: dict[str, int] = _facts()["totals"].get(benchmark, {})
    return categories


@cache
def _rows(table: int) -> dict[str, PaperRow]:
    rows = {}
    for name, row in _table(table)["rows"].items():
        shares = {key: dict(value) for key, value in row.items() if isinstance(value, dict)}
        overall = {benchmark: counts.pop("overall") for benchmark, counts in shares.items()}
        described = tuple(row.get("plug_and_play", ()))
        rows[name] = PaperRow(name, shares, overall, row.get("owleval_win"), described)
    return rows


def _table(table: int) -> dict[str, Any]:
    facts = _facts().get(f"table_{_SAME_ROWS_AS.get(table, table)}")
    if facts is None:
        raise LynxError(
            f"the paper's Table {table} is not among the facts kept here: 1, 2, 5 and 7 are"
        )
    content: dict[str, Any] = facts
    return content


@cache
def _facts() -> dict[str, Any]:
    text = files("lynx.reporting").joinpath("facts/tables.yaml").read_text("utf-8")
    content: dict[str, Any] = yaml.safe_load(text)
    return content
