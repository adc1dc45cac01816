"""Makes grids of MME scores: by column as Table 6 has them, and line by line for many tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from lynx.evaluation.statistics import Interval
from lynx.reporting import mme_facts
from lynx.reporting.evidence import measured
from lynx.reporting.grid import NOTHING, Cell, Grid, label, labels, nothing, paper
from lynx.reporting.measured import Row
from lynx.reporting.mme_measured import (
    MME,
    MmeDifference,
    MmeScore,
    mme_differences,
    mme_scores,
)
from lynx.reporting.summary import NOT_RUN, ONE_SEED, odd_seeds_text, paired_runs, seeds_text
from lynx.reporting.verdict import direction
from lynx.tracking.run_dir import RunDir

Printed = Callable[[Row, str], float | None]  # the paper's score of a row, by the line's name
MME_CAPTION = (
    "A task has at most 200 points: 100 times the share of questions right, and 100 times that of "
    "pictures with both questions right.",
    "chance: what 19 of 20 random guessers get (75 a task on average); a constant answer gets 50. "
    "A score within it is no evidence of knowing anything.",
    "other: answers that say neither yes nor no within four characters, which count as wrong: "
    "what format costs.",
    "measured: [95 % over pictures]; with several seeds the mean of the seeds' bounds, rather too "
    "wide. diff: pictures drawn again (bootstrap), which is rather too narrow for few pictures.",
)


def mme_grids(rows: Sequence[Row], printed: Printed | None = None) -> list[Grid]:
    """A grid of all lines of Table 10 for the rows that were measured; the first is the base.

    printed: the paper's score of a row; None: the paper has none.
    """
    base = rows[0]
    body: list[tuple[Cell, ...]] = []
    for row in rows:
        if not row.evaluated(MME):
            continue
        body.append((label(_heading(base, row)),))
        body += _lines(base, row, printed or (lambda _row, _line: None))
    header = labels(
        "mme", "images", "chance", "other %", "paper", "measured [95 %]", "paper diff",
        "diff [95 %]", "verdict",
    )  # fmt: skip
    return [Grid((header,), tuple(body))] if body else []


def columns_grid(
    base: Row, others: Sequence[Row], columns: Mapping[str, str], printed: Printed
) -> Grid:
    """Table 6's form: a block per row. columns: the line of Table 10 that each of them is."""
    lines: list[tuple[Cell, ...]] = []
    for row in [base, *others]:
        is_reported = not row.evaluated(MME)
        lines.append((Cell(_heading(base, row), "reported" if is_reported else "label"),))
        lines.append(
            (
                label(" paper"),
                *(_printed(printed(row, name), is_reported=is_reported) for name in columns),
            )
        )
        lines += _measured_block(base, row, columns, printed)
    return Grid((labels("", *columns),), tuple(lines), gap=2)


def _measured_block(
    base: Row, row: Row, columns: Mapping[str, str], printed: Printed
) -> list[tuple[Cell, ...]]:
    runs = row.evaluated(MME)
    scores = mme_scores(runs)
    names = [mme_facts.measured_name(line) for line in columns.values()]
    if not scores:
        return []

    def line(text: str, told: Callable[[MmeScore], str]) -> tuple[Cell, ...]:
        cells = [
            nothing() if name not in scores
            else measured(told(scores[name]), runs.values(), MME, value=scores[name].score)
            for name in names
        ]  # fmt: skip
        return (label(f" {text}"), *cells)

    found = [
        line("measured", lambda one: f"{one.score:.2f}"),
        line("95 %", lambda one: f"{one.low:.0f}-{one.high:.0f}"),
        line("chance 95 %", lambda one: f"{one.band[0]:.0f}-{one.band[1]:.0f}"),
        line("other, %", lambda one: f"{100 * one.other_rate:.1f}"),
        line("images", lambda one: str(one.num_images)),
    ]
    if row is base:
        return found
    differences = mme_differences(base, row)
    if not differences:
        return found
    own = paired_runs(base, row, MME)
    deltas = [_delta(base, row, name, printed) for name in columns]
    both = [differences.get(name) for name in names]
    is_reported = not runs
    found.append(
        (label(" paper diff"), *(_signed(delta, is_reported=is_reported) for delta in deltas))
    )
    found.append((label(" diff"), *(_difference_cell(one, own) for one in both)))
    verdicts = [
        measured(_verdict(delta, one), own, MME, kind="verdict")
        for delta, one in zip(deltas, both, strict=True)
    ]
    return [*found, (label(" verdict"), *verdicts)]


def _lines(base: Row, row: Row, printed: Printed) -> list[tuple[Cell, ...]]:
    runs, scores = row.evaluated(MME), mme_scores(row.evaluated(MME))
    differences = {} if row is base else mme_differences(base, row)
    own = paired_runs(base, row, MME)
    found: list[tuple[Cell, ...]] = []
    for line in mme_facts.lines():
        name = mme_facts.measured_name(line)
        score, both, value = scores.get(name), differences.get(name), printed(row, line)
        if score is None:
            continue
        delta = None if row is base else _delta(base, row, line, printed)
        found.append(
            (
                label(f" {line}"),
                measured(str(score.num_images), runs.values(), MME, value=score.num_images),
                measured(f"{score.band[0]:.0f}-{score.band[1]:.0f}", runs.values(), MME),
                measured(
                    f"{100 * score.other_rate:.1f}", runs.values(), MME,
                    value=100 * score.other_rate,
                ),
                _printed(value, is_reported=False),
                measured(
                    f"{score.score:.2f} [{score.low:.0f}, {score.high:.0f}]", runs.values(), MME,
                    value=score.score, low=score.low, high=score.high,
                ),
                _signed(delta, is_reported=False),
                _difference_cell(both, own),
                measured(_verdict(delta, both), own, MME, kind="verdict"),
            )
        )  # fmt: skip
    return found


def _heading(base: Row, row: Row) -> str:
    seeds = seeds_text(row, [MME])
    heading = f"{row.label} ({seeds if seeds == NOT_RUN else f'seeds: {seeds}'})"
    if row is base or not row.evaluated(MME):
        return heading
    odd = odd_seeds_text(base, row, MME)
    one = f", verdicts {ONE_SEED}" if len(paired_runs(base, row, MME)) == 2 else ""
    return heading + (f", difference {odd}" if odd else "") + one


def _delta(base: Row, row: Row, line: str, printed: Printed) -> float | None:
    before, after = printed(base, line), printed(row, line)
    return None if before is None or after is None else after - before


def _printed(value: float | None, *, is_reported: bool) -> Cell:
    return paper(NOTHING if value is None else f"{value:.2f}", value, is_reported=is_reported)


def _signed(value: float | None, *, is_reported: bool) -> Cell:
    return paper(NOTHING if value is None else f"{value:+.2f}", value, is_reported=is_reported)


def _difference_cell(both: MmeDifference | None, runs: Sequence[RunDir]) -> Cell:
    if both is None:
        return nothing("delta")
    value, interval = both.difference.value, both.difference.interval
    return measured(
        f"{value:+.1f} [{interval.low:.0f}, {interval.high:.0f}]", runs, MME, kind="delta",
        value=value, low=interval.low, high=interval.high,
    )  # fmt: skip


def _verdict(delta: float | None, both: MmeDifference | None) -> str:
    if delta is None or both is None:
        return NOTHING
    intervals: list[Interval] = [both.difference.interval]
    intervals += [] if both.seed_interval is None else [both.seed_interval]
    return direction(delta, both.difference.value, intervals)
