"""Forks processes that find each other as torchrun's do, without importing anything again."""

from __future__ import annotations

import gc
import os
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from lightning.pytorch.utilities.rank_zero import rank_zero_only


def fork_ranks(work: Callable[[], None], *, world_size: int, log_path: Path) -> list[int]:
    """Process ids of `world_size` forks that do the work; all print to the file.

    They are a process group of its own, whose number is the first one's id; one process alone is
    not told of any world.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    gc.freeze()  # else every collection in a fork looks through all that is imported here
    children: list[int] = []
    for rank in range(world_size):
        child = os.fork()
        if not child:
            os.setpgid(0, children[0] if children else 0)
            _live(work, rank, world_size, port, log_path)
        os.setpgid(child, children[0] if children else child)  # whichever comes first
        children.append(child)
    return children


def wait_for_all(children: list[int], log_path: Path) -> None:
    """Until all have ended; RuntimeError with their output where one ended badly."""
    statuses = [os.waitpid(child, 0)[1] for child in children]
    if any(statuses):
        raise RuntimeError(f"ended with {statuses}:\n{log_path.read_text()[-6000:]}")


def _live(work: Callable[[], None], rank: int, world_size: int, port: int, log_path: Path) -> None:
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    if world_size > 1:
        names = {"RANK": rank, "LOCAL_RANK": rank, "GROUP_RANK": 0, "MASTER_PORT": port}
        names |= {"WORLD_SIZE": world_size, "LOCAL_WORLD_SIZE": world_size}
        os.environ |= {name: str(value) for name, value in names.items()}
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "TORCHELASTIC_RUN_ID": "forked"}
        rank_zero_only.rank = rank  # it was set when Lightning was imported
    try:
        work()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(3)
    os._exit(0)
