"""Looks at a machine before a run loads anything: will it find what it needs, and fit?"""

from __future__ import annotations

import os
import socket

from lynx.config.errors import LynxError
from lynx.config.schema import Config
from lynx.launch.devices import device_findings
from lynx.launch.finding import Finding
from lynx.launch.inputs import input_findings
from lynx.launch.room import room_findings
from lynx.tracking.ranks import started_by

SKIP = "LYNX_SKIP_CHECKS"


def inspect(*configs: Config) -> list[Finding]:
    """Every check of this machine, in the order in which the runs would meet with it, once."""
    found = [one for config in configs for one in device_findings(config)]
    found += [one for config in configs for one in input_findings(config)]
    return list(dict.fromkeys([*found, *room_findings(configs)]))


def check_machine(*configs: Config) -> list[str]:
    """The warnings; LynxError with all problems at once. Every node looks at itself, once.

    configs: of the runs that are to come, one after another. LYNX_SKIP_CHECKS=1 is for who knows
    better than a forecast of memory.
    """
    local_rank = os.environ.get("LOCAL_RANK", os.environ.get("SLURM_LOCALID", "0"))
    if not configs or local_rank != "0" or os.environ.get(SKIP) == "1":
        return []
    findings = inspect(*configs)
    problems = [f"{one.check}: {one.text}" for one in findings if one.is_problem]
    if problems:
        names = dict.fromkeys(config.ablation or config.experiment for config in configs)
        where = f" on {socket.gethostname()}" if started_by() else ""
        raise LynxError(
            f"{', '.join(names)} at scale {configs[0].scale} would not run{where}:\n  "
            + "\n  ".join([*problems, f"(to try it all the same, set {SKIP}=1)"])
        )
    return [f"{one.check}: {one.text}" for one in findings if one.is_warning]
