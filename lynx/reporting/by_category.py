"""Prints Table 7's form: for each variant a block, for each category of questions a column."""

from __future__ import annotations

from collections.abc import Sequence

from lynx.evaluation.compare import Paired
from lynx.evaluation.statistics import Interval
from lynx.reporting.measured import Row, Share, categories_of, common_seeds, compared, share
from lynx.reporting.paper_facts import OVERALL, totals
from lynx.reporting.summary import (
    NOT_RUN,
    ONE_SEED,
    differs_in_plug_and_play,
    odd_seeds_text,
    percent_text,
    seeds_text,
)
from lynx.reporting.text import aligned
from lynx.reporting.verdict import paper_delta, side_by_side, verdict

Lines = list[list[str]]


def by_category_text(base: Row, others: Sequence[Row], benchmark: str) -> str:
    """Blocks of the base and of every other row, categories in the paper's order.

    paper: right answers of all; below it shares in %, their 95 % interval, and what is reached with
    swapped pictures and by the most frequent answer; then differences to the base in points, over
    questions and, with several seeds, over seeds.
    """
    rows = [base, *others]
    measured = [name for row in rows for name in categories_of(row.evaluated(benchmark), benchmark)]
    columns = [*dict.fromkeys([*totals(benchmark), *measured]), OVERALL]
    blocks: list[tuple[str, Lines]] = [(benchmark, [["", *columns]])]
    for row in rows:
        lines = _shares(row, benchmark, columns)
        if row is not base:
            lines += _differences(base, row, benchmark, columns)
        blocks.append((_heading(base, row, benchmark), lines))
    body = iter(aligned([line for _, lines in blocks for line in lines], gap=1).split("\n"))
    printed = [[heading, *(next(body) for _ in lines)] for heading, lines in blocks]
    return "\n".join(line for block in printed for line in block)


def _heading(base: Row, row: Row, benchmark: str) -> str:
    seeds = seeds_text(row, [benchmark])
    heading = f"{row.label} ({seeds if seeds == NOT_RUN else f'seeds: {seeds}'})"
    if row is base:
        return heading
    if odd := odd_seeds_text(base, row, benchmark):
        heading += f", difference {odd}"
    if len(common_seeds(base, row, benchmark)) == 1:
        heading += f", verdicts {ONE_SEED}"
    return heading


def _shares(row: Row, benchmark: str, columns: Sequence[str]) -> Lines:
    lines = [[" paper", *(row.paper.printed(benchmark, name) for name in columns)]]
    runs = row.evaluated(benchmark)
    if not runs:
        return lines
    pooled = [share(runs, benchmark, name) for name in columns]
    return [
        *lines,
        [" measured", *(percent_text(one.accuracy if one else None) for one in pooled)],
        [" 95 %", *(_interval_cell(one) for one in pooled)],
        [" swapped", *(percent_text(one.blind if one else None) for one in pooled)],
        [" majority", *(percent_text(one.majority if one else None) for one in pooled)],
    ]


def _differences(base: Row, row: Row, benchmark: str, columns: Sequence[str]) -> Lines:
    deltas = [paper_delta(base.paper, row.paper, benchmark, name) for name in columns]
    lines = [[" paper diff", *("-" if delta is None else f"{delta:+.1f}" for delta in deltas)]]
    comparison = compared(base, row, benchmark)
    if comparison is None:
        return lines
    found = comparison.categories
    both = [found.get(name) for name in columns]
    lines.append([" diff", *(_difference_cell(one) for one in both)])
    if found[OVERALL].seed_interval is not None:
        lines.append([" over seeds", *(_half_width_cell(one) for one in both)])
    star = "*" if differs_in_plug_and_play(base, row, benchmark) else ""
    words = [
        verdict(delta, one, num_verdicts=side_by_side(name, found))
        for name, delta, one in zip(columns, deltas, both, strict=True)
    ]
    return [*lines, [" verdict", *(word if word == "-" else f"{word}{star}" for word in words)]]


def _interval_cell(pooled: Share | None) -> str:
    if pooled is None:
        return "-"
    return f"{100 * pooled.interval.low:.0f}-{100 * pooled.interval.high:.0f}"


def _difference_cell(both: Paired | None) -> str:
    if both is None:
        return "-"
    return f"{100 * both.difference.value:+.1f}±{100 * both.difference.half_width:.1f}"


def _half_width_cell(both: Paired | None) -> str:
    interval: Interval | None = None if both is None else both.seed_interval
    return "-" if interval is None else f"±{50 * (interval.high - interval.low):.1f}"
