"""In which order an epoch goes through the rows of a source: any place, without a table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

_MASK = (1 << 64) - 1
_NUM_ROUNDS = 6


def permuted(place: int, *, size: int, key: int) -> int:
    """Where `place` goes in a permutation of range(size) chosen by `key`.

    A Feistel network over the next power of four, walked until it is inside: it needs no memory,
    so that a source of a hundred million rows costs what one of ten does.
    """
    half = max(1, ((size - 1).bit_length() + 1) // 2)
    mask = (1 << half) - 1
    value = place
    while True:
        left, right = value >> half, value & mask
        for number in range(_NUM_ROUNDS):
            left, right = right, left ^ (_mixed(right + (number << 40) + key) & mask)
        value = (left << half) | right
        if value < size:
            return value


def permuted_by_shards(place: int, *, shard_ends: Sequence[int], window: int, key: int) -> int:
    """Like `permuted`, but rows leave a window of `window` shards only when all of it is used up.

    Shards are permuted, dealt into windows, and the rows of each window permuted: whoever reads in
    this order needs that many shards at a time. shard_ends: row after the last one of each shard.
    """
    order, ends = _permuted_shards(tuple(shard_ends), key)
    number = int(np.searchsorted(ends, place, side="right")) // window
    first, last = number * window, min((number + 1) * window, len(ends)) - 1
    start, stop = int(ends[first - 1]) if first else 0, int(ends[last])
    inside = start + permuted(place - start, size=stop - start, key=key ^ ((number + 1) << 80))
    turn = int(np.searchsorted(ends, inside, side="right"))
    return shard_ends[order[turn]] - (int(ends[turn]) - inside)


@lru_cache(maxsize=256)
def _permuted_shards(shard_ends: tuple[int, ...], key: int) -> tuple[np.ndarray, np.ndarray]:
    """Shards in the order of the epoch, and the place after the last row of each."""
    order = np.random.Generator(np.random.Philox(key=key)).permutation(len(shard_ends))
    return order, np.cumsum(np.diff(shard_ends, prepend=0)[order])


def _mixed(value: int) -> int:
    """64 bits that look random (the finaliser of splitmix64)."""
    value = (value ^ (value >> 64)) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)
