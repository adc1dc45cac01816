"""Looks at a machine before a run loads anything: will it find what it needs, and fit?"""

from __future__ import annotations

import os
import socket

from lynx.config.errors import LynxError
from lynx.config.schema import Config
from lynx.launch.devices import device_findings, started_by
from lynx.launch.finding import Finding
from lynx.launch.inputs import input_findings
from lynx.launch.room import room_findings

SKIP = "LYNX_SKIP_CHECKS"


def inspect(config: Config) -> list[Finding]:
    """Every check of this machine, in the order in which a run would meet with it."""
    return [*device_findings(config), *input_findings(config), *room_findings(config)]


def check_machine(config: Config) -> None:
    """LynxError with all problems at once; every node looks at itself, once.

    LYNX_SKIP_CHECKS=1 is for who knows better than a forecast of memory.
    """
    local_rank = os.environ.get("LOCAL_RANK", os.environ.get("SLURM_LOCALID", "0"))
    if local_rank != "0" or os.environ.get(SKIP) == "1":
        return
    problems = [f"{one.check}: {one.text}" for one in inspect(config) if one.is_problem]
    if problems:
        name = config.ablation or config.experiment
        where = f" on {socket.gethostname()}" if started_by() else ""
        raise LynxError(
            f"{name} at scale {config.scale} would not run{where}:\n  "
            + "\n  ".join([*problems, f"(to try it all the same, set {SKIP}=1)"])
        )
