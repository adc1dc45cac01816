"""Gives the numbers that the paper prints, from `facts/*.yaml`."""

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
# Tables that print scores, and the files that have them.
_FILES = {3: "visit_bench", 4: "owleval", 6: "mme", 10: "mme", 11: "mme"}


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
    if table in _FILES:
        return paper_row(table, facts(_FILES[table])["base"][table])
    return paper_row(table, _table(table)["base"])


def row_names(table: int) -> list[str]:
    """All rows of a table, in the order printed."""
    return list(_rows(table))


def totals(benchmark: str) -> dict[str, int]:
    """Questions by category, in the paper's order; empty for a benchmark the paper lacks."""
    categories: dict[str, int] = facts("tables")["totals"].get(benchmark, {})
    return categories


@cache
def _rows(table: int) -> dict[str, PaperRow]:
    if table in _FILES:  # scores, and no counts of right answers
        return {name: PaperRow(name, {}, {}, None) for name in _scored_rows(table)}
    rows = {}
    for name, row in _table(table)["rows"].items():
        shares = {key: dict(value) for key, value in row.items() if isinstance(value, dict)}
        overall = {benchmark: counts.pop("overall") for benchmark, counts in shares.items()}
        described = tuple(row.get("plug_and_play", ()))
        rows[name] = PaperRow(name, shares, overall, row.get("owleval_win"), described)
    return rows


def _scored_rows(table: int) -> list[str]:
    """Names of the rows, or of the columns where those are the models."""
    content = facts(_FILES[table])
    if table == 3:
        return [row["row"] for row in content["rows"]]
    if table == 4:
        return list(content["rows"])
    return list(content["cognition"]["rows"] if table == 6 else content["models"])


def _table(table: int) -> dict[str, Any]:
    content = facts("tables").get(f"table_{_SAME_ROWS_AS.get(table, table)}")
    if content is None:
        raise LynxError(f"the paper's Table {table} has no rows of models; 1 to 7, 10 and 11 do")
    found: dict[str, Any] = content
    return found


@cache
def facts(name: str) -> dict[Any, Any]:
    """The content of `facts/<name>.yaml`."""
    text = files("lynx.reporting").joinpath(f"facts/{name}.yaml").read_text("utf-8")
    content: dict[Any, Any] = yaml.safe_load(text)
    return content
