"""The command line: one function per command, heavy imports inside it."""

from __future__ import annotations

import os
import sys
import time

from lynx.cli.data import data_app
from lynx.cli.prompts import prompts_app
from lynx.cli.quality import data_noise  # noqa: F401, which adds its commands to data_app
from lynx.cli.recipes import recipe_app
from lynx.cli.runs import app
from lynx.cli.world import backbones, world_app
from lynx.config.errors import LynxError

app.add_typer(recipe_app, name="recipe")
app.add_typer(data_app, name="data")
app.add_typer(prompts_app, name="prompts")
app.add_typer(world_app, name="world")
app.command()(backbones)

_SECONDS_FOR_RANK_ZERO = 6  # to say what is wrong; Lightning kills it when another rank has ended


def main() -> None:
    """Run the command line; a LynxError is printed without a traceback and exits 2."""
    try:
        app()
    except LynxError as error:
        rank, parent = os.environ.get("LOCAL_RANK", "0"), os.getppid()
        if rank != "0":
            time.sleep(_SECONDS_FOR_RANK_ZERO)
        if os.getppid() == parent:  # else rank zero, which started this one, has said it
            print(f"error: {'' if rank == '0' else f'rank {rank}: '}{error}", file=sys.stderr)
        sys.exit(2)
    except Exception:
        # What another rank's end does to this one needs no traceback: that rank has told of it.
        rank, parent = os.environ.get("LOCAL_RANK", "0"), os.getppid()
        if rank != "0":
            time.sleep(_SECONDS_FOR_RANK_ZERO)
            if os.getppid() != parent:
                sys.exit(2)
        raise
