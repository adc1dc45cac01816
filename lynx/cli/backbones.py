"""Commands about pretrained models: list, fetch, convert, and train the miniature world's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

backbones_app = typer.Typer(no_args_is_help=True, help="Pretrained models that runs start from.")


@backbones_app.command("list")
def backbones_list() -> None:
    """Name the known models, their size and where they lie on this machine."""
    from lynx.model.backbones import list_backbones

    rows = [("name", "part", "parameters", "download", "lies in")]
    for one in list_backbones():
        entry = one.entry
        rows.append(
            (
                entry.name,
                entry.part,
                f"{one.num_parameters / 1e6:,.0f} M",
                f"{entry.download_gb:.1f} GB",
                str(one.folder) if one.folder else f"- (lynx backbones fetch {entry.name})",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for name, part, parameters, download, place in rows:
        left = f"{name:<{widths[0]}}  {part:<{widths[1]}}"
        typer.echo(f"{left}  {parameters:>{widths[2]}}  {download:>{widths[3]}}  {place}")


@backbones_app.command("fetch")
def backbones_fetch(
    names: Annotated[list[str], typer.Argument(help="Of the list, or owner/name on the Hub.")],
    to: Annotated[
        Path | None, typer.Option(help="Folder to put them in, instead of the Hub's cache.")
    ] = None,
) -> None:
    """Download models, going on where an earlier call broke off, and convert where needed."""
    from lynx.model.backbones import fetch_backbone

    for name in names:
        typer.echo(f"{name}: {fetch_backbone(name, to=to)}")


@backbones_app.command("convert")
def backbones_convert(
    source: Annotated[
        Path, typer.Argument(help="GGUF file of a Llama, EVA-CLIP-g's weights, or BLIP-2's folder.")
    ],
    out: Annotated[Path, typer.Option(help="Folder to write to.")],
) -> None:
    """Turn a model that is published in another form into a folder for a configuration to name."""
    from lynx.model.backbones import convert_checkpoint

    for line in convert_checkpoint(source, out):
        typer.echo(line)
    typer.echo(f"written: {out}")


@backbones_app.command("train")
def backbones_train(
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("backbones/desk"),
    seed: Annotated[int, typer.Option(help="Of the weights and the texts.")] = 0,
    part: Annotated[list[str] | None, typer.Option(help="Only this one; may be repeated.")] = None,
) -> None:
    """Train the miniature world's backbones, measure their gates and write their card."""
    from lynx.config.paths import from_root
    from lynx.training.backbones.build import PARTS, build_backbones

    typer.echo(f"written: {build_backbones(from_root(out), seed=seed, parts=tuple(part or PARTS))}")
