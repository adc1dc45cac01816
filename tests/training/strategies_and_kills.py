"""Script of the strategies' tests: trains with each, and kills and resumes some.

Below `root`: `<variant>` is a whole run, `<variant>, cut` what a kill left of one, `<variant>,
resumed` and `<variant> moved to <n>` how it ended, on as many processes as before and on n.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.connected import fork_ranks, wait_for_all
from benchmarks.recorded_training import CHECKPOINT_EVERY, train_recorded
from benchmarks.strategies import VARIANTS, Variant, config_of, quieten, train_all
from lynx.config.schema import Config
from lynx.tracking.run_dir import RunDir
from tests.training.interrupted_run import wait_for_step

STEPS = 9
TRAINED = (
    *("one process", "DDP", "DDP, recomputing", "ZeRO-1", "ZeRO-2", "ZeRO-3", "ZeRO-2 on four"),
    *("ZeRO-2, offload", "ZeRO-3, offload, recomputing"),
    *("one process, bf16", "DDP, bf16", "ZeRO-2, bf16", "ZeRO-3, bf16"),
)
KILLED = ("ZeRO-1", "ZeRO-2", "ZeRO-3")
MOVED = (("ZeRO-2", 1), ("ZeRO-3", 4))  # to so many processes


def start(config: Config, log_path: Path, *, resume: bool) -> list[int]:
    """Forks that train; their process ids."""
    catalog = {path.name: path for path in (log_path.parent / "data" / "shards").iterdir()}
    return fork_ranks(
        lambda: train_recorded(config, catalog, resume=resume),
        world_size=config.hardware.devices,
        log_path=log_path,
    )


def cut(root: Path, name: str, *, step: int) -> None:
    """Train and kill all processes once the step is logged."""
    config = config_of(root / "data", VARIANTS[name], root / f"{name}, cut", steps=STEPS)
    children = start(config, root / f"{name}, cut.log", resume=False)
    wait_for_step(RunDir.of(config), step)
    os.killpg(children[0], signal.SIGKILL)
    endings = [os.waitpid(child, 0)[1] for child in children]
    assert endings == [signal.SIGKILL] * len(children), endings


def resumed(root: Path, name: str, variant: Variant, *, target: str) -> None:
    """Go on from what the kill has left, below `target`."""
    config = config_of(root / "data", variant, root / target, steps=STEPS)
    left = config_of(root / "data", VARIANTS[name], root / f"{name}, cut", steps=STEPS)
    shutil.copytree(RunDir.of(left).path, RunDir.of(config).path)
    log_path = root / f"{target}.log"
    wait_for_all(start(config, log_path, resume=True), log_path)


def main(root: Path, names: Sequence[str] = TRAINED) -> None:
    """Everything, in a few minutes of two cores."""
    quieten()
    train_all(root, steps=STEPS, names=names)
    moments = random.Random(0)
    for name in KILLED:
        cut(root, name, step=moments.randint(CHECKPOINT_EVERY, STEPS - 3))
        resumed(root, name, VARIANTS[name], target=f"{name}, resumed")
    for name, processes in MOVED:
        variant = replace(VARIANTS[name], processes=processes)
        resumed(root, name, variant, target=f"{name} moved to {processes}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
