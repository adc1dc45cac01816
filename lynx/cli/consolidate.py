"""The command that makes one file of a checkpoint: `lynx consolidate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def consolidate(
    source: Annotated[Path, typer.Argument(help="A checkpoint, or the folder of a run's stage.")],
    out: Annotated[
        Path | None, typer.Option(help="File to write; by default beside the checkpoint.")
    ] = None,
) -> None:
    """Write the trained parts of a stage's last checkpoint, DDP's or DeepSpeed's, as one file."""
    from lynx.training.consolidation import consolidate as write

    typer.echo(f"written: {write(source, out)}")
