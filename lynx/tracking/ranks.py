"""Which process of a run this is, and how the run's processes agree and share work."""

from __future__ import annotations

from typing import TypeVar

import torch.distributed
from lightning.pytorch.utilities.rank_zero import rank_zero_only

T = TypeVar("T")


def is_first_rank() -> bool:
    """Whether this process prints and writes; known before the processes are connected."""
    return not getattr(rank_zero_only, "rank", 0)


def is_connected() -> bool:
    """Whether the run's processes can talk to each other yet."""
    return torch.distributed.is_initialized()


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
