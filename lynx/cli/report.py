"""Commands that show runs side by side: `lynx report | wandb-show | dashboard`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    runs: Annotated[
        list[Path], typer.Argument(help="Run or variant folders; the first is the base.")
    ],
    out: Annotated[Path, typer.Option(help="The HTML file to write.")] = Path("report.html"),
    pictures: Annotated[int, typer.Option(min=0, help="Pictures beside the questions.")] = 60,
) -> None:
    """Compare runs in one HTML file: scores, losses, mix, cost, and the questions that flipped."""
    from rich.console import Console

    from lynx.reporting.html_report import write_html_report

    console = Console(stderr=True, highlight=False)
    with console.status("reading the runs") as status:
        written = write_html_report(runs, out, num_pictures=pictures, progress=status.update)
    typer.echo(
        f"{written.path}: {written.num_bytes / 1e6:.2f} MB, {written.num_cases} questions, "
        f"{written.num_pictures} pictures"
    )
    if written.sync is not None:
        typer.echo(f"{written.sync.text}\n{written.sync.command}")


def wandb_show(
    run: Annotated[Path, typer.Argument(help="A run's folder.")],
    values: Annotated[int, typer.Option(min=0, help="Names printed of each part.")] = 40,
) -> None:
    """Read back what a run has logged to W&B offline, and say how to publish it."""
    from lynx.reporting.offline_runs import offline_text
    from lynx.tracking.run_dir import RunDir

    typer.echo(offline_text(RunDir(run), num_values=values))


def dashboard(
    entity: Annotated[str, typer.Option(help="W&B user or team; by default the account's.")] = "",
    project: Annotated[str, typer.Option(help="W&B project; by default the scale's.")] = "",
    scale: Annotated[str, typer.Option(help="The scale whose runs it shows.")] = "desk",
    show: Annotated[
        bool, typer.Option("--print", help="Print it as JSON instead; needs no account.")
    ] = False,
) -> None:
    """Create or update the W&B workspace in which a column is an ablation."""
    from lynx.config.compose import compose
    from lynx.config.paths import from_root
    from lynx.reporting.dashboard import build_workspace, save_workspace
    from lynx.reporting.dashboard_contents import find_logged
    from lynx.reporting.wandb_account import default_entity

    tracking = compose(scale=scale).tracking
    logged = find_logged(from_root(tracking.output_dir) / scale)
    owner = entity or ("ENTITY" if show else default_entity())
    workspace = build_workspace(
        logged, entity=owner, project=project or tracking.wandb_project, scale=scale
    )
    if show:
        typer.echo(workspace._to_model().model_dump_json(by_alias=True, indent=2))
        return
    address, was_there = save_workspace(workspace, scale=scale)
    typer.echo(f"{'updated' if was_there else 'created'}: {address}")
