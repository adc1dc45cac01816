"""The command that hands a run over to other tools: `lynx export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    hf: Annotated[Path, typer.Option(help="Folder to write for transformers.")],
    dtype: Annotated[Literal["fp32", "bf16"], typer.Option(help="Of the weights.")] = "fp32",
) -> None:
    """Write a run as a folder that `transformers` loads with trust_remote_code."""
    from lynx.export.hub_folder import export_run

    typer.echo(f"written: {export_run(run, hf, dtype=dtype)}")
