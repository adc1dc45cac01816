"""Makes cells of measured figures: with the files behind them and whether they are out of date."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from lynx.evaluation.results import ResultFiles
from lynx.reporting.grid import NOTHING, Cell, Kind
from lynx.reporting.stale import standing
from lynx.tracking.run_dir import RunDir

Runs = Mapping[int, RunDir]  # by seed


def measured(
    text: str,
    runs: Iterable[RunDir],
    benchmark: str,
    *,
    kind: Kind = "measured",
    value: float | None = None,
    low: float | None = None,
    high: float | None = None,
) -> Cell:
    """A cell of a figure that comes from the runs' evaluations on the benchmark.

    One that says nothing ("-") has no files behind it.
    """
    own = list(runs)
    if text == NOTHING:
        return Cell(text, kind)
    return Cell(
        text=text,
        kind=kind,
        sources=tuple(path for run in own for path in evaluation_files(run, benchmark)),
        value=value,
        low=low,
        high=high,
        is_stale=any(standing(run, benchmark).is_stale for run in own),
    )


def evaluation_files(run: RunDir, benchmark: str) -> list[str]:
    """The files of an evaluation that a score rests on, as far as they are there."""
    files = ResultFiles(run.eval_dir(benchmark))
    paths = (files.predictions_path, files.verdicts_path, files.scores_path, files.protocol_path)
    return [relative(path, runs_folder(run)) for path in paths if path.is_file()]


def runs_folder(run: RunDir) -> Path:
    """The folder of all scales' runs."""
    return run.path.parents[2]


def relative(path: Path, folder: Path) -> str:
    """The path below `folder`, with "/" between its parts."""
    return path.relative_to(folder).as_posix()
