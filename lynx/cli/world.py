"""Commands about the miniature world of the desk scale."""

from __future__ import annotations

from pathlib import Path

import typer

world_app = typer.Typer(no_args_is_help=True, help="The miniature world of the desk scale.")


@world_app.command("show")
def world_show(out: Path) -> None:
    """Write a sheet of the world's pictures with their questions, as PNG."""
    from lynx.world.sheet import write_contact_sheet

    typer.echo(f"written: {write_contact_sheet(out)}")
