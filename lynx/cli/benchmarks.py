"""Commands about published benchmarks: where they are had, and fetch what can be fetched."""

from __future__ import annotations

from typing import Annotated

import typer

benchmarks_app = typer.Typer(
    no_args_is_help=True, help="Published benchmarks: where they are had, and fetch."
)


@benchmarks_app.command("list")
def benchmarks_list() -> None:
    """Name each benchmark, its home, the folder where it is looked for, and what is there."""
    from lynx.evaluation.benchmarks.origins import origins

    for name, origin in origins().items():
        is_there = origin.path.is_dir() and any(origin.path.iterdir())
        typer.echo(f"{name:<12} {origin.home}")
        state = "" if is_there else ", where nothing is yet"
        typer.echo(f"{'':<12} in {origin.path} ({origin.variable}){state}")
        if origin.files:
            typer.echo(f"{'':<12} `lynx benchmarks fetch {name}` brings the questions")
        typer.echo(f"{'':<12} by hand: {origin.by_hand}")


@benchmarks_app.command("fetch")
def benchmarks_fetch(
    name: Annotated[str, typer.Argument(help="Of the list.")],
) -> None:
    """Download a benchmark's questions, checked against the published files' checksums."""
    from lynx.evaluation.benchmarks.origins import fetch, origins

    for path in fetch(name):
        typer.echo(str(path))
    typer.echo(f"by hand: {origins()[name].by_hand}")
