"""Commands that read and write the authors' released checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lynx.cli.runs import Name, Overrides, Scale, composed

if TYPE_CHECKING:
    from lynx.training.released_run import Imported


def import_released(
    checkpoint: Annotated[Path, typer.Argument(help="pretrain_lynx.pt or finetune_lynx.pt.")],
    out: Annotated[Path, typer.Option(help="Folder of the run to write; it must not exist.")],
    name: Name = "lynx",
    overrides: Overrides = None,
    scale: Scale = "paper",
    lenient: Annotated[
        bool, typer.Option("--lenient", help="Ignore unknown tensors and keep what is lacking.")
    ] = False,
) -> None:
    """Turn the authors' weights into a run that can be talked to and evaluated."""
    from lynx.training.released_run import import_released as run

    config = composed(name, scale=scale, overrides=overrides)
    for line in _lines(run(checkpoint, out, config, lenient=lenient)):
        typer.echo(line)
    typer.echo(f"written: {out}")


def export_released(
    checkpoint: Annotated[Path, typer.Argument(help="A finished run's folder, or a checkpoint.")],
    out: Annotated[Path, typer.Option(help="File to write, such as finetune_lynx.pt.")],
    image_size: Annotated[
        int | None, typer.Option(help="Pixels of `image_res`; by default the run's last stage's.")
    ] = None,
) -> None:
    """Write trained parts in the format of the authors' weights."""
    from lynx.training.released_run import export_released as run

    parts = run(checkpoint, out, image_size=image_size)
    typer.echo(f"parts: {', '.join(parts)}")
    typer.echo(f"written: {out}")


def _lines(report: Imported) -> list[str]:
    """What has become of the file's tensors."""
    from lynx.training.released_run import named

    lines = [f"parts: {', '.join(report.parts)} ({report.num_tensors} tensors)"]
    lines += [f"{part}: the variant's own checkpoint" for part in report.frozen]
    if report.other_language_model:
        differing = named(report.other_language_model)
        lines.append(f"the language model is not the variant's own: {differing}")
    for what, names in {
        "computed from the configuration, not read": report.computed,
        "ignored, without a place in the variant": report.ignored,
        "ignored, without the other pieces of their parameter": report.incomplete,
        "not in the file, the variant's own values": report.kept,
        "beside the weights, not read": report.others,
    }.items():
        if names:
            lines.append(f"{what}: {named(names)}")
    return lines
