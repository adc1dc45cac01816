"""Commands about the miniature world of the desk scale."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

world_app = typer.Typer(no_args_is_help=True, help="The miniature world of the desk scale.")


@world_app.command("show")
def world_show(out: Path) -> None:
    """Write a sheet of the world's pictures with their questions, as PNG."""
    from lynx.world.sheet import write_contact_sheet

    typer.echo(f"written: {write_contact_sheet(out)}")


def backbones(
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("backbones/desk"),
    seed: Annotated[int, typer.Option(help="Of the weights and the texts.")] = 0,
    part: Annotated[list[str] | None, typer.Option(help="Only this one; may be repeated.")] = None,
) -> None:
    """Train the miniature world's backbones, measure their gates and write their card."""
    from lynx.config.paths import from_root
    from lynx.training.backbones.build import PARTS, build_backbones

    typer.echo(f"written: {build_backbones(from_root(out), seed=seed, parts=tuple(part or PARTS))}")
