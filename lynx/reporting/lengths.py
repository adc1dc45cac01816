"""Makes the table of answers' lengths: the paper (3.2) gives means, and not in which unit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean

from lynx.evaluation.results import Prediction, ResultFiles
from lynx.evaluation.statistics import paired_mean
from lynx.reporting.evidence import measured
from lynx.reporting.grid import NOTHING, Cell, Grid, label, labels
from lynx.reporting.measured import Row, Runs

_UNITS: dict[str, Callable[[Prediction], int | None]] = {
    "words": lambda one: len(one.prediction.split()),
    "characters": lambda one: len(one.prediction),
    "tokens": lambda one: one.num_tokens,
}


def lengths_grid(rows: Sequence[Row], benchmarks: Sequence[str]) -> Grid:
    """A line per benchmark and variant: means over questions, each the mean over its seeds."""
    header = ["length of an answer, mean [95 %]", "n", *_UNITS, "empty"]
    lines = []
    for name in benchmarks:
        for row in rows:
            runs = row.evaluated(name)
            if runs:
                lines.append((label(f"{name}, {row.label}"), *_cells(runs, name)))
    return Grid((labels(*header),), tuple(lines))


def mean_words_cell(runs: Runs, benchmark: str) -> Cell:
    """The mean number of words of the runs' answers, "-" without any."""
    return _length_cell(runs, benchmark, "words") if runs else Cell(NOTHING, "measured")


def _cells(runs: Runs, benchmark: str) -> list[Cell]:
    answers = [ResultFiles(run.eval_dir(benchmark)).predictions() for run in runs.values()]
    empty = sum(not one.prediction.strip() for run in answers for one in run)  # of all seeds
    own = runs.values()
    return [
        measured(str(len(answers[0])), own, benchmark, value=len(answers[0])),
        *(_length_cell(runs, benchmark, unit) for unit in _UNITS),
        measured(str(empty), own, benchmark, value=empty),
    ]


def _length_cell(runs: Runs, benchmark: str, unit: str) -> Cell:
    length_of = _UNITS[unit]
    answers = [ResultFiles(run.eval_dir(benchmark)).predictions() for run in runs.values()]
    by_question: dict[str, list[int]] = {}
    for run in answers:
        for one in run:
            length = length_of(one)
            if length is None:  # a model that counts no tokens
                return Cell(NOTHING, "measured")
            by_question.setdefault(one.id, []).append(length)
    mean = paired_mean([fmean(lengths) for lengths in by_question.values()])
    low, high = mean.interval.low, mean.interval.high
    return measured(
        f"{mean.value:.1f} [{low:.1f}, {high:.1f}]", runs.values(), benchmark,
        value=mean.value, low=low, high=high,
    )  # fmt: skip
