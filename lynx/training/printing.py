"""Prints what a run reports, to the terminal and to the run's log file."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from pathlib import Path

from lightning.pytorch.utilities.rank_zero import rank_zero_only
from rich.console import Console, RenderableType

LOG_WIDTH = 100


class RunLog:
    """Says things once (rank zero) on the terminal, and appends them to `log.txt`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.console = Console(width=None if sys.stdout.isatty() else LOG_WIDTH, highlight=False)

    @rank_zero_only
    def say(self, text: str) -> None:
        """Print a line."""
        self.console.print(text, markup=False)
        self.note(text)

    @rank_zero_only
    def show(self, renderable: RenderableType) -> None:
        """Print a table or the like."""
        self.console.print(renderable)
        self.note(renderable)

    @rank_zero_only
    def note(self, renderable: RenderableType) -> None:
        """Write to the log file alone."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as stream:
            Console(file=stream, width=LOG_WIDTH).print(renderable, markup=False)


def quieten() -> None:
    """Keep libraries' notices about themselves out of the run's output."""
    os.environ.setdefault("WANDB_SILENT", "true")
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module="lightning")
