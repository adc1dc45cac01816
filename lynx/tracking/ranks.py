"""Which process of a run this is, and how the run's processes agree and share work."""

from __future__ import annotations

import os
from typing import TypeVar

import torch.distributed
from lightning.pytorch.utilities.rank_zero import rank_zero_only

from lynx.config.errors import LynxError

T = TypeVar("T")

# Processes of a run, by whoever has started them.
_NUM_STARTED = {"torchrun": "WORLD_SIZE", "srun": "SLURM_STEP_NUM_TASKS"}


def started_by() -> str | None:
    """`torchrun` or `srun` where it has started this process together with others.

    Elsewhere the first process starts the others itself. So it is in a batch script of SLURM, in a
    shell of an allocation and in a step of one task, though SLURM_NTASKS is set there too; the
    variable that is read here is of steps alone (env_array_for_step in SLURM's src/common/env.c).
    """
    if "TORCHELASTIC_RUN_ID" in os.environ:
        return "torchrun"
    return "srun" if int(os.environ.get(_NUM_STARTED["srun"], "1")) > 1 else None


def num_started() -> int | None:
    """How many processes `started_by` has started; None where this one starts the others."""
    starter = started_by()
    return int(os.environ[_NUM_STARTED[starter]]) if starter else None


def is_first_rank() -> bool:
    """Whether this process prints and writes; known before the processes are connected."""
    return not getattr(rank_zero_only, "rank", 0)


def is_connected() -> bool:
    """Whether the run's processes can talk to each other yet."""
    return torch.distributed.is_initialized()


def check_num_processes(wanted: int) -> None:
    """LynxError where the run has more processes than `wanted`, or fewer."""
    found = torch.distributed.get_world_size() if is_connected() else num_started()
    if found not in (None, wanted):
        raise LynxError(
            f"{found} processes have been started, and hardware.devices x hardware.num_nodes is "
            f"{wanted}: start as many, or say how many there are"
        )


def agreed(value: T) -> T:
    """Rank zero's value: another rank might look at the disk a moment later."""
    if not is_connected():
        return value
    box = [value]
    torch.distributed.broadcast_object_list(box, src=0)
    return box[0]


def gathered(value: T) -> list[T]:
    """The value of every rank, in their order, on every rank."""
    if not is_connected():
        return [value]
    boxes: list[T | None] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(boxes, value)
    return boxes  # type: ignore[return-value]


def rank_and_world_size() -> tuple[int, int]:
    """(0, 1) where the processes are not connected."""
    if not is_connected():
        return 0, 1
    return torch.distributed.get_rank(), torch.distributed.get_world_size()
