"""Which sample stands at a position of a stage: a pure function of recipe, sizes and seed."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from lynx.config.errors import LynxError
from lynx.config.seeds import generator, stream_key
from lynx.config.weight_expressions import exact
from lynx.data.row_order import permuted, permuted_by_shards

MAX_CYCLE = 250_000  # positions; weights that need a longer cycle are rounded to ...
ROUNDED_CYCLE = 100_000  # ... this many


class Draw(NamedTuple):
    """Row `row` of source number `source`, which is read for the `epoch`-th time (from 0)."""

    source: int
    row: int
    epoch: int


class MixPlan:
    """The order of a stage's samples.

    Sources follow each other in cycles with integer counts; at every position each source has come
    as often as its weight says, to less than two samples; to less than three for weights that need
    more than MAX_CYCLE positions to be exact. Every epoch of a source is a permutation of its rows
    that doesn't depend on the other sources, so that recipes share it.
    """

    def __init__(
        self,
        *,
        weights: Mapping[str, float | Fraction],
        sizes: Mapping[str, int],
        seed: int,
        name: str,
        shard_ends: Mapping[str, Sequence[int]] | None = None,
        locality: int = 0,
    ) -> None:
        """name: of the stage, so that stages of one seed draw different rows.

        locality: a source of more shards than this is read in windows of so many (`row_order.py`);
        0 for none. shard_ends: row after the last one of each shard, where locality isn't 0.
        """
        self.source_names = tuple(weights)
        self._ratio = _whole_ratio(weights)
        self.cycle_counts = cycle_counts(weights)
        self._sizes = tuple(sizes[source] for source in self.source_names)
        self._seed, self._name = seed, name
        self._length = sum(self.cycle_counts)
        self._is_exact = self.cycle_counts == self._ratio
        self._locality = locality
        ends = shard_ends or {}
        self._windowed = {
            number: tuple(ends[source])
            for number, source in enumerate(self.source_names)
            if locality and len(ends[source]) > locality
        }

    def draw(self, position: int) -> Draw:
        """What stands at the position (from 0)."""
        number, inside = divmod(position, self._length)
        order, ordinals = self._cycle(number)
        source = int(order[inside])
        before = (
            number * self.cycle_counts[source]
            if self._is_exact
            else self._counts_before(number)[source]
        )
        ordinal = before + int(ordinals[inside])
        size = self._sizes[source]
        epoch, place = divmod(ordinal, size)
        key = _permutation_key(self._seed, self._name, self.source_names[source], epoch)
        ends = self._windowed.get(source)
        if ends is None:
            return Draw(source, permuted(place, size=size, key=key), epoch)
        row = permuted_by_shards(place, shard_ends=ends, window=self._locality, key=key)
        return Draw(source, row, epoch)

    def counts(self, num_positions: int) -> dict[str, int]:
        """How often each source comes in the first `num_positions` positions."""
        cycles, rest = divmod(num_positions, self._length)
        partial = np.bincount(self._cycle(cycles)[0][:rest], minlength=len(self.source_names))
        before = self._counts_before(cycles)
        return {
            name: whole + int(part)
            for name, whole, part in zip(self.source_names, before, partial, strict=True)
        }

    def _counts_before(self, number: int) -> tuple[int, ...]:
        """Of each source, in the cycles before cycle `number`.

        Where a cycle can't hold the exact ratio its rounding is carried on, from cycle to cycle.
        """
        if self._is_exact:
            return tuple(number * count for count in self.cycle_counts)
        return _rounded(self._ratio, number * self._length)

    def _cycle(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        if len(self.cycle_counts) == 1:  # all cycles are alike, and each is one position long
            number = 0
        counts = self.cycle_counts
        if not self._is_exact:
            before, after = self._counts_before(number), self._counts_before(number + 1)
            counts = tuple(b - a for a, b in zip(before, after, strict=True))
        return _shuffled_cycle(counts, seed=self._seed, name=self._name, number=number)


def cycle_counts(weights: Mapping[str, float | Fraction]) -> tuple[int, ...]:
    """Samples of each source in the first cycle; LynxError if one would have none.

    Exact where MAX_CYCLE positions can hold the ratio, else rounded to ROUNDED_CYCLE of them.
    """
    counts = _whole_ratio(weights)
    if sum(counts) > MAX_CYCLE:
        total = sum(counts)
        for name, count in zip(weights, counts, strict=True):
            if count * ROUNDED_CYCLE < total:
                raise LynxError(
                    f"source `{name}`: weight {float(weights[name]):g} is less than one sample in "
                    f"{ROUNDED_CYCLE}; leave the source out or raise its weight"
                )
        counts = _rounded(counts, ROUNDED_CYCLE)
    return counts


def _whole_ratio(weights: Mapping[str, float | Fraction]) -> tuple[int, ...]:
    """The smallest integers in the ratio of the weights, floats being decimal numbers."""
    fractions = [w if isinstance(w, Fraction) else exact(float(w)) for w in weights.values()]
    scale = math.lcm(*(fraction.denominator for fraction in fractions))
    counts = [int(fraction * scale) for fraction in fractions]
    divisor = math.gcd(*counts)
    return tuple(count // divisor for count in counts)


@lru_cache(maxsize=16)
def _rounded(ratio: tuple[int, ...], total: int) -> tuple[int, ...]:
    """Integers in nearly that ratio whose sum is `total`: each is its share, rounded up or down,
    up where the largest remainders are."""
    whole = sum(ratio)
    parts = [divmod(count * total, whole) for count in ratio]
    rounded = [quotient for quotient, _ in parts]
    by_remainder = sorted(range(len(parts)), key=lambda i: (-parts[i][1], i))
    for index in by_remainder[: total - sum(rounded)]:
        rounded[index] += 1
    return tuple(rounded)


@lru_cache(maxsize=4)
def _shuffled_cycle(
    counts: tuple[int, ...], *, seed: int, name: str, number: int
) -> tuple[np.ndarray, np.ndarray]:
    """Source at each position of a cycle, and how often it came before in the cycle.

    Half of the pairs of neighbours, drawn by chance, change places: seeds and cycles differ, while
    no count moves by more than 1.
    """
    order = _even_cycle(counts).copy()
    pairs = order[: len(order) // 2 * 2].reshape(-1, 2)
    swapped = generator(seed, "mix", name, number).random(len(pairs)) < 0.5
    pairs[swapped] = pairs[swapped, ::-1]
    ordinals = np.empty_like(order)
    for source, count in enumerate(counts):
        ordinals[order == source] = np.arange(count)
    return order, ordinals


@lru_cache(maxsize=4)
def _even_cycle(counts: tuple[int, ...]) -> np.ndarray:
    return np.fromiter(_interleaved(counts), dtype=np.int32, count=sum(counts))


def _interleaved(counts: tuple[int, ...]) -> Iterator[int]:
    """Tijdeman's solution of the chairman assignment problem (Discrete Mathematics 32, 1980).

    With k sources no count is ever further than 1 - 1/(2k - 2) from its share. The next turn of
    a source may not come before its share has grown by 1/(2k - 2); of those that may come, the one
    whose share would first be too far ahead of its count does.
    """
    total = sum(counts)
    slack = max(2 * len(counts) - 2, 1)
    waiting = [
        (_earliest(0, count, total, slack), source) for source, count in enumerate(counts) if count
    ]
    heapq.heapify(waiting)
    ready: list[tuple[float, int]] = []
    taken = [0] * len(counts)
    for position in range(1, total + 1):
        while waiting and waiting[0][0] <= position:
            _, source = heapq.heappop(waiting)
            latest = (taken[source] + 1 - 1 / slack) * total / counts[source]
            heapq.heappush(ready, (latest, source))
        _, source = heapq.heappop(ready)
        taken[source] += 1
        release = _earliest(taken[source], counts[source], total, slack)
        heapq.heappush(waiting, (release, source))
        yield source


def _earliest(taken: int, count: int, total: int, slack: int) -> int:
    """First position t with count/total * t - taken >= 1/slack."""
    return -(-total * (1 + slack * taken) // (slack * count))


@lru_cache(maxsize=4096)
def _permutation_key(seed: int, name: str, source: str, epoch: int) -> int:
    return stream_key(seed, "order", name, source, epoch)
