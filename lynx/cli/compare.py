"""Commands that weigh results against each other: `lynx compare` and `lynx claims`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...",
            help="Two or more: run folders, variants' folders (all their seeds), or variants.",
        ),
    ],
    scale: Annotated[str, typer.Option(help="Where variants given by name are.")] = "desk",
    flips: Annotated[int, typer.Option(min=0, help="Questions to list in each direction.")] = 12,
) -> None:
    """Compare runs question by question on what all have answered; the first is the base."""
    from lynx.config.compose import compose
    from lynx.config.paths import from_root
    from lynx.reporting.comparison import comparison_text
    from lynx.reporting.comparison_groups import find_named

    scale_dir = from_root(compose(scale=scale).tracking.output_dir) / scale
    typer.echo(comparison_text(*find_named(runs, scale_dir), num_flips=flips))


def claims(
    tables: Annotated[
        Path | None,
        typer.Argument(
            help="A YAML file such as tables: {Table 1: {base: Ours, rows: {Ours: {OCR: [36, 53]}, "
            "Other: {OCR: [29, 53]}}}}, or with {n: 302, rows: {Ours: 76.16, Other: 74.50}}; "
            "none: the paper's tables."
        ),
    ] = None,
    every: Annotated[
        bool, typer.Option("--every", help="Also categories in which no data can support it.")
    ] = False,
) -> None:
    """Say what tables of counts alone can and cannot support: the paper's, or a file's."""
    from lynx.reporting.claims_text import claims_text

    typer.echo(claims_text(tables, all_categories=every))
