"""Commands about other models' answers: ask one, take in a file of them, give ours away."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lynx.baselines.known import Baseline, known_baselines, load_baseline
from lynx.cli.runs import Overrides, Resume, Scale, Seeds, composed
from lynx.config.errors import LynxError

if TYPE_CHECKING:
    from lynx.evaluation.scores import Scores

As = Annotated[str, typer.Option("--as", help="Name of the run's folder; else the baseline's.")]


def baseline(
    name: Annotated[
        str | None, typer.Argument(help="A file of baselines/, or a path to one; none lists them.")
    ] = None,
    overrides: Overrides = None,
    scale: Scale = "desk",
    seed: Seeds = None,
    checkpoint: Annotated[
        str | None, typer.Option(help="Folder, or owner/name on the Hub, instead of the file's.")
    ] = None,
    as_: As = "",
    benchmark: Annotated[
        list[str] | None, typer.Option(help="Of the scale's; may be given several times; all.")
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Bring the checkpoint into the Hub's cache first.")
    ] = False,
    resume: Resume = False,
) -> None:
    """Ask another model our benchmarks, by the same protocol and judge."""
    if name is None:
        _list()
        return
    chosen = load_baseline(name)
    if checkpoint is not None:
        chosen = dataclasses.replace(chosen, checkpoint=checkpoint)
    from lynx.baselines.run import evaluate_baseline

    for one in dict.fromkeys(seed or [0]):
        config = composed("lynx", scale=scale, seed=one, overrides=overrides)
        run_dir, scores = evaluate_baseline(
            chosen, config, name=as_, benchmarks=benchmark or (), resume=resume, download=download
        )
        for found in scores.values():
            typer.echo(_line(found))
        typer.echo(f"evaluated: {run_dir.path}")


def import_predictions(
    file: Annotated[
        Path, typer.Argument(help='JSON lines {"id", "prediction"}, or official results.')
    ],
    benchmark: Annotated[str, typer.Option(help="Which questions they answer.")],
    as_: Annotated[str, typer.Option("--as", help="Name of the run's folder.")],
    overrides: Overrides = None,
    scale: Scale = "desk",
    seed: Annotated[int, typer.Option(min=0, help="Folder seed<k>, of several imports.")] = 0,
    missing: Annotated[
        str, typer.Option(help="Questions without answer: refuse, wrong or leave-out.")
    ] = "refuse",
    decoding: Annotated[str, typer.Option(help="How they were decoded, if known.")] = "unknown",
    note: Annotated[str, typer.Option(help="Where they are from.")] = "",
) -> None:
    """Make a run of answers that another program gave, judged as ours are."""
    from lynx.baselines.imported import import_predictions as run

    if missing not in ("refuse", "wrong", "leave-out"):
        raise LynxError(f"--missing is refuse, wrong or leave-out, not {missing}")
    config = composed("lynx", scale=scale, seed=seed, overrides=overrides)
    made = run(
        file, config, name=as_, benchmark=benchmark, decoding=decoding, note=note,
        missing=missing,  # type: ignore[arg-type]  # checked above
    )  # fmt: skip
    for ids, what in (
        (made.missing, f"questions have no answer ({missing})"),
        (made.unknown, "answers are to no question of the benchmark, and were left out"),
    ):
        if ids:
            shown = ", ".join(ids[:5]) + (", ..." if len(ids) > 5 else "")
            typer.echo(f"warning: {len(ids)} {what}: {shown}")
    typer.echo(_line(made.scores))
    typer.echo(f"imported: {made.run_dir.path}")


def export_predictions(
    run: Annotated[Path, typer.Argument(help="A run's folder.")],
    benchmark: Annotated[str, typer.Argument(help="As the run's folders below eval/ are called.")],
    out: Annotated[Path, typer.Option(help="File or folder to write; it must not exist.")],
) -> None:
    """Write a run's answers as official results of the benchmark."""
    from lynx.baselines.exported import export_predictions as write
    from lynx.tracking.run_dir import RunDir

    number = write(RunDir(run), benchmark, out)
    typer.echo(f"written: {out} ({number} answers)")


def _list() -> None:
    """Each baseline's name, adapter and checkpoint, and the paper's rows it may stand beside."""
    known = known_baselines().values()
    rows = [("name", "adapter", "checkpoint", "the paper's row")]
    rows += [
        (one.name, one.adapter, one.checkpoint or "(--checkpoint)", _rows(one)) for one in known
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        left = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False))
        typer.echo(f"{left}  {row[3]}")


def _rows(one: Baseline) -> str:
    names = dict.fromkeys(one.paper_rows.values())
    tables = ", ".join(str(table) for table in one.paper_rows)
    return f"{', '.join(names)} (Tables {tables})" if names else "-"


def _line(scores: Scores) -> str:
    """One benchmark's figure, with who decided."""
    lengths = scores.lengths
    if scores.overall is None:
        return f"{scores.benchmark}: {lengths.n} answers, compared across runs (no verdicts)"
    one = scores.overall
    return (
        f"{scores.benchmark}: {100 * one.accuracy:.1f} % of {one.n} right "
        f"[{100 * one.low:.1f}, {100 * one.high:.1f}], judge {scores.judge}"
    )
