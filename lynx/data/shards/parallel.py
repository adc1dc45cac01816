"""Does the same work for every shard, in as many processes as there are processors."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_parallel(work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Results in the order of the items; the first error ends the work."""
    num_processes = min(len(items), os.cpu_count() or 1)
    if num_processes < 2:
        yield from map(work, items)
        return
    with ProcessPoolExecutor(num_processes) as pool:
        yield from pool.map(work, items)
