"""Gives a run's answers away in the form that a benchmark's official scorer reads."""

from __future__ import annotations

from pathlib import Path

from lynx.config.errors import LynxError
from lynx.config.nearest import nearest_hint
from lynx.evaluation.benchmarks.registry import format_of
from lynx.evaluation.results import ResultFiles
from lynx.tracking.run_dir import RunDir


def export_predictions(run_dir: RunDir, benchmark: str, out: Path) -> int:
    """Write official results of a benchmark that a run has answered; gives how many answers.

    out: a file, or a folder where the form has several files; it must not exist. benchmark: as the
    run's folders are called, such as `mme` or `open_vqa_image@swapped`.
    """
    if out.exists():
        raise LynxError(f"{out} exists already; give another --out, or remove it")
    folder = run_dir.path / "eval"
    names = [path.name for path in sorted(folder.glob("*")) if (path / "protocol.json").is_file()]
    if benchmark not in names:
        hint = nearest_hint(benchmark, names)
        there = f"; there are: {', '.join(names)}" if names else ""
        raise LynxError(f"{run_dir.path} has not answered `{benchmark}`{hint}{there}")
    name, _, vision = benchmark.partition("@")
    files = ResultFiles(run_dir.eval_dir(name, vision) if vision else run_dir.eval_dir(name))
    if not files.predictions_path.is_file():
        raise LynxError(f"{files.directory}: the evaluation has not ended; go on with --resume")
    protocol = files.protocol() or {}
    predictions = files.predictions()
    format_of(str(protocol["format"])).write_answers(out, predictions)
    return len(predictions)
