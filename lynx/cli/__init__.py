"""The command line: one function per command, heavy imports inside it."""

from __future__ import annotations

import os
import sys
import time

from lynx.cli.backbones import backbones_app
from lynx.cli.baseline import baseline, export_predictions, import_predictions
from lynx.cli.benchmarks import benchmarks_app
from lynx.cli.chat import chat, demo
from lynx.cli.compare import claims, compare
from lynx.cli.consolidate import consolidate
from lynx.cli.data import data_app
from lynx.cli.export import export
from lynx.cli.head_to_head import head_to_head
from lynx.cli.judge import judge_app
from lynx.cli.launch import check, launch
from lynx.cli.mme import mme
from lynx.cli.plan import plan
from lynx.cli.prompts import prompts_app
from lynx.cli.quality import data_noise  # noqa: F401, which adds its commands to data_app
from lynx.cli.rate import rate
from lynx.cli.recipes import recipe_app
from lynx.cli.released import export_released, import_released
from lynx.cli.report import dashboard, report, wandb_show
from lynx.cli.runs import app
from lynx.cli.tables import table_app
from lynx.cli.world import world_app
from lynx.config.errors import LynxError

app.add_typer(recipe_app, name="recipe")
app.add_typer(data_app, name="data")
app.add_typer(prompts_app, name="prompts")
app.add_typer(world_app, name="world")
app.add_typer(backbones_app, name="backbones")
app.add_typer(benchmarks_app, name="benchmarks")
app.add_typer(judge_app, name="judge")
app.add_typer(table_app, name="table")
app.command()(compare)
app.command()(claims)
app.command("head-to-head")(head_to_head)
app.command()(mme)
app.command()(rate)
app.command()(baseline)
app.command("import-predictions")(import_predictions)
app.command("export-predictions")(export_predictions)
app.command()(report)
app.command()(dashboard)
app.command("wandb-show")(wandb_show)
app.command("import-released")(import_released)
app.command("export-released")(export_released)
app.command()(consolidate)
app.command()(export)
app.command()(launch)
app.command()(check)
app.command()(plan)
app.command()(chat)
app.command()(demo)

_SECONDS_FOR_RANK_ZERO = 6  # to say what is wrong; Lightning kills it when another rank has ended


def main() -> None:
    """Run the command line; a LynxError is printed without a traceback and gives the status."""
    try:
        app()
    except LynxError as error:
        rank = _rank()
        # All ranks stop for the same signal, and one tells of it; a mistake may be one node's.
        if _is_to_speak() and (rank == "0" or error.exit_status == LynxError.exit_status):
            print(f"error: {'' if rank == '0' else f'rank {rank}: '}{error}", file=sys.stderr)
        sys.exit(error.exit_status)
    except OSError as error:
        if error.filename is None or not _is_to_speak():  # no file's fault, or another rank's end
            raise
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        sys.exit(LynxError.exit_status)
    except Exception:
        # What another rank's end does to this one needs no traceback: that rank has told of it.
        if not _is_to_speak():
            sys.exit(2)
        raise


def _rank() -> str:
    """This process's number in the run, by whoever has started it, in Lightning's order."""
    names = ("RANK", "LOCAL_RANK", "SLURM_PROCID")
    return next((os.environ[name] for name in names if name in os.environ), "0")


def _is_to_speak() -> bool:
    """False where rank zero, which had started this process, has ended and so has told why."""
    parent = os.getppid()
    if os.environ.get("LOCAL_RANK", "0") != "0":
        time.sleep(_SECONDS_FOR_RANK_ZERO)
    return os.getppid() == parent
