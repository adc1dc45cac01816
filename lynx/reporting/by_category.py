"""Makes Table 7's form: for each variant a block, for each category of questions a column."""

from __future__ import annotations

from collections.abc import Sequence

from lynx.evaluation.compare import Paired
from lynx.evaluation.statistics import Interval
from lynx.reporting.evidence import measured
from lynx.reporting.grid import NOTHING, Cell, Grid, label, labels, paper
from lynx.reporting.measured import Row, Share, categories_of, common_seeds, compared, share
from lynx.reporting.paper_facts import OVERALL, totals
from lynx.reporting.summary import (
    NOT_RUN,
    ONE_SEED,
    SWAPPED,
    VISION_WORDS,
    difference_value,
    differs_in_plug_and_play,
    odd_seeds_text,
    paired_runs,
    percent_text,
    seeds_text,
)
from lynx.reporting.verdict import paper_delta, side_by_side, verdict

Lines = list[tuple[Cell, ...]]


def by_category_grid(
    base: Row,
    others: Sequence[Row],
    benchmark: str,
    *,
    visions: Sequence[str] = (SWAPPED,),
    has_always_yes: bool = False,
) -> Grid:
    """Blocks of the base and of every other row, categories in the paper's order.

    paper: right answers of all; below it shares in %, their 95 % interval, and what is reached with
    swapped pictures (or what else of `visions` was asked), by the most frequent answer and, with
    has_always_yes, by always saying yes; then differences to the base in points, over questions
    and, with several seeds, over seeds.
    """
    rows = [base, *others]
    found = [name for row in rows for name in categories_of(row.evaluated(benchmark), benchmark)]
    columns = [*dict.fromkeys([*totals(benchmark), *found]), OVERALL]
    lines: Lines = []
    for row in rows:
        heading = _heading(base, row, benchmark)
        is_reported = not row.evaluated(benchmark)
        lines.append((Cell(heading, "reported" if is_reported else "label"),))
        lines += _shares(row, benchmark, columns, visions, has_always_yes=has_always_yes)
        if row is not base:
            lines += _differences(base, row, benchmark, columns)
    return Grid((labels("", *columns),), tuple(lines), title=benchmark, gap=1)


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


def _shares(
    row: Row,
    benchmark: str,
    columns: Sequence[str],
    visions: Sequence[str],
    *,
    has_always_yes: bool,
) -> Lines:
    runs = row.evaluated(benchmark)
    lines: Lines = [(label(" paper"), *_paper_cells(row, benchmark, columns))]
    if not runs:
        return lines
    pooled = [share(runs, benchmark, name) for name in columns]

    def line(name: str, values: Sequence[float | None]) -> tuple[Cell, ...]:
        cells = [
            measured(
                percent_text(value), runs.values(), benchmark,
                value=None if value is None else 100 * value,
            )
            for value in values
        ]  # fmt: skip
        return (label(f" {name}"), *cells)

    intervals = [measured(_interval_text(one), runs.values(), benchmark) for one in pooled]
    lines.append(line("measured", [None if one is None else one.accuracy for one in pooled]))
    lines.append((label(" 95 %"), *intervals))
    for vision in visions:
        values = [None if one is None else one.without_vision.get(vision) for one in pooled]
        if vision == SWAPPED or any(value is not None for value in values):
            lines.append(line(VISION_WORDS[vision].removesuffix(" pictures"), values))
    lines.append(line("majority", [None if one is None else one.majority for one in pooled]))
    if has_always_yes:
        values = [None if one is None else one.always_yes for one in pooled]
        lines.append(line("always yes", values))
    return lines


def _paper_cells(row: Row, benchmark: str, columns: Sequence[str]) -> list[Cell]:
    is_reported = not row.evaluated(benchmark)
    return [
        paper(
            row.paper.printed(benchmark, name),
            row.paper.percent(benchmark, name),
            is_reported=is_reported,
        )
        for name in columns
    ]


def _differences(base: Row, row: Row, benchmark: str, columns: Sequence[str]) -> Lines:
    deltas = [paper_delta(base.paper, row.paper, benchmark, name) for name in columns]
    printed = [
        paper(NOTHING if delta is None else f"{delta:+.1f}", delta, is_reported=not row.runs)
        for delta in deltas
    ]
    lines: Lines = [(label(" paper diff"), *printed)]
    comparison = compared(base, row, benchmark)
    if comparison is None:
        return lines
    runs = paired_runs(base, row, benchmark)
    found = comparison.categories
    both = [found.get(name) for name in columns]
    differences = [
        measured(_difference_text(one), runs, benchmark, kind="delta", **difference_value(one))
        for one in both
    ]
    lines.append((label(" diff"), *differences))
    if found[OVERALL].seed_interval is not None:
        widths = [measured(_half_width_text(one), runs, benchmark, kind="delta") for one in both]
        lines.append((label(" over seeds"), *widths))
    star = "*" if differs_in_plug_and_play(base, row, benchmark) else ""
    words = [
        verdict(delta, one, num_verdicts=side_by_side(name, found))
        for name, delta, one in zip(columns, deltas, both, strict=True)
    ]
    verdicts = [
        measured(word if word == NOTHING else f"{word}{star}", runs, benchmark, kind="verdict")
        for word in words
    ]
    return [*lines, (label(" verdict"), *verdicts)]


def _interval_text(pooled: Share | None) -> str:
    if pooled is None:
        return NOTHING
    return f"{100 * pooled.interval.low:.0f}-{100 * pooled.interval.high:.0f}"


def _difference_text(both: Paired | None) -> str:
    if both is None:
        return NOTHING
    return f"{100 * both.difference.value:+.1f}±{100 * both.difference.half_width:.1f}"


def _half_width_text(both: Paired | None) -> str:
    interval: Interval | None = None if both is None else both.seed_interval
    return NOTHING if interval is None else f"±{50 * (interval.high - interval.low):.1f}"
