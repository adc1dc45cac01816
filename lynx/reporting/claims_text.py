"""Prints what tables of counts alone can support, by default the paper's own."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path

from lynx.evaluation.claims import (
    LEVEL,
    OVERALL,
    Row,
    Support,
    Table,
    impossible,
    signs,
    supports,
    supports_by_category,
)
from lynx.evaluation.comparing.claim_files import read_tables
from lynx.evaluation.comparing.printed import Count, Percentage
from lynx.reporting.cells import fitted, p_text
from lynx.reporting.paper_facts import (
    OWLEVAL_QUESTIONS,
    base_row,
    paper_row,
    row_names,
    totals,
)
from lynx.reporting.text import aligned, shortened

PAPER_TABLES = (1, 2, 5)  # Table 7 has the categories of Table 5
_BENCHMARKS = ("open_vqa_image", "open_vqa_video")
_TITLES = {5: "Tables 5 and 7"}
_ROW_WIDTH = 25
LEGEND = """\
right: of all questions. best p: McNemar's exact p if only the surplus flipped; no answers behind
these counts give less. flipped: how many must have been gained and lost, by the categories' counts,
and p of just these. unpaired: as if the rows had been asked different questions (z test of two
shares; F: Fisher's). Holm: p corrected for the lines of its table; `alone`: possible without it.
Judges are taken to be right, and what another training run would change is not in it."""


def claims_text(path: Path | None = None, *, all_categories: bool = False) -> str:
    """What the tables of a file support; without a file, the paper's Tables 1, 2, 5 and 7.

    all_categories: also the categories in which no data can support a difference.
    """
    tables = paper_tables() if path is None else read_tables(path)
    parts = [_table_text(table, all_categories=all_categories) for table in tables]
    parts += [] if path is not None else _printed_beside()
    return "\n\n".join([*parts, LEGEND])


def paper_tables() -> list[Table]:
    """The paper's tables of counts, from the facts."""
    tables = []
    for number in PAPER_TABLES:
        title, base = _TITLES.get(number, f"Table {number}"), base_row(number)
        for benchmark in _BENCHMARKS:
            if benchmark not in base.overall:
                continue
            rows = {name: _paper_row(number, name, benchmark) for name in row_names(number)}
            tables.append(Table(f"{title}, {benchmark}", base.name, rows, {}))
        wins = {name: paper_row(number, name).owleval_win for name in row_names(number)}
        won = {n: Count(win, OWLEVAL_QUESTIONS) for n, win in wins.items() if win is not None}
        if won:
            tables.append(Table(f"{title}, OwlEval", base.name, {}, won))
    return tables


def _printed_beside() -> list[str]:
    """Percentages that the paper prints beside counts they don't follow from."""
    with as_file(files("lynx.reporting").joinpath("facts/claims.yaml")) as path:
        tables = read_tables(path)
    return [
        "\n".join([table.title, *_impossible_lines(table)])
        for table in tables
    ]  # fmt: skip


def _paper_row(number: int, name: str, benchmark: str) -> Row:
    facts, questions = paper_row(number, name), totals(benchmark)
    counts = {
        category: Count(right, questions[category])
        for category, right in facts.counts[benchmark].items()
    }
    printed = Percentage(f"{facts.overall[benchmark]:.2f}", sum(questions.values()))
    return Row(name, counts, {OVERALL: printed})


def _table_text(table: Table, *, all_categories: bool) -> str:
    parts = [f"{table.title}, against {table.base}"]
    found = supports(table)
    if found:
        lines = [[shortened(one.row, _ROW_WIDTH), *_cells(one)] for one in found]
        parts.append(fitted([["row", *_HEADER], *lines], left=(0, len(_HEADER))))
    by_category = supports_by_category(table)
    parts += _by_category_lines(by_category, all_categories=all_categories)
    won = signs(table)
    if won:
        lines = [["preferred to the base", "of all", "sign test p"]]
        lines += [[one.row, f"{one.won.right}/{one.won.n}", p_text(one.p)] for one in won]
        parts += [aligned(lines), "  if there were no ties, which a table of wins leaves open"]
    return "\n".join([*parts, *_impossible_lines(table)])


def _impossible_lines(table: Table) -> list[str]:
    wrong = impossible(table)
    return ["printed percentages that don't fit:", *(f"  {w}" for w in wrong)] if wrong else []


def _by_category_lines(found: Sequence[Support], *, all_categories: bool) -> list[str]:
    if not found:
        return []
    kept = [one for one in found if all_categories or one.finding in ("only if", "unpaired")]
    rest = len(found) - len(kept)
    heading = f"by category, {len(found)} comparisons"
    if not kept:
        return [f"{heading}: in none can any data support a difference"]
    heading += f"; in the other {rest} no data can support a difference" if rest else ""
    lines = [["category", "row", *_HEADER]]
    lines += [[one.category, shortened(one.row, _ROW_WIDTH), *_cells(one)] for one in kept]
    # One question of a category is as good as another: what must have flipped is the surplus.
    dropped = [len(lines[0]) - len(_HEADER) + _HEADER.index(name) for name in ("flipped", "p")]
    kept_cells = [[c for i, c in enumerate(line) if i not in dropped] for line in lines]
    return [heading, fitted(kept_cells, left=(0, 1, len(kept_cells[0]) - 1))]


_HEADER = ["right", "base", "best p", "flipped", "p", "Holm", "unpaired", "Holm", "finding"]


def _cells(one: Support) -> list[str]:
    mark = " F" if one.unpaired_test == "Fisher" else ""
    return [
        f"{one.other.right}/{one.other.n}", str(one.base.right), p_text(one.best_p),
        f"+{one.gained} -{one.lost}", p_text(one.least_p), p_text(one.least_holm),
        f"{p_text(one.unpaired_p)}{mark}", p_text(one.unpaired_holm), finding_text(one),
    ]  # fmt: skip


def finding_text(one: Support) -> str:
    """The finding in words."""
    if one.finding == "none":
        return "no difference"
    if one.finding == "no data":
        return "no data can support it"
    if one.finding == "unpaired":
        is_kept = one.unpaired_holm < LEVEL
        return "supported even unpaired" if is_kept else "even unpaired, not with Holm"
    if one.always:
        return "supported whatever flipped"
    word = "only" if one.least_holm < LEVEL else "alone"
    return f"possible {word} if <= {one.most_flips} flip"
