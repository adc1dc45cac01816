"""Finds keys that come in more than one shard, by their hashes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xxhash

from lynx.data.shards.scan import Span, mapped, spans
from lynx.data.shards.tar import DamagedTarError


class Repeat(NamedTuple):
    """Two shards, by number, have `num_keys` keys in common, `key` among them."""

    first: int
    second: int
    num_keys: int
    key: str


def key_hashes(found: Sequence[Span]) -> np.ndarray:
    """uint64, one per sample."""
    return np.array([_hash(span.key) for span in found], dtype=np.uint64)


def repeated_keys(hashes: Sequence[np.ndarray], tars: Sequence[Path]) -> Iterator[Repeat]:
    """Shards that have keys in common; hashes: of the keys of each of `tars`."""
    ordered = np.sort(np.concatenate(hashes))
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(twice):
        return
    owners: dict[int, int] = {}
    for second, own in enumerate(hashes):
        common: dict[int, list[int]] = {}
        for one in own[np.isin(own, twice)].tolist():
            first = owners.setdefault(one, second)
            if first != second:
                common.setdefault(first, []).append(one)
        for first, values in common.items():
            key = _key(tars[second], values[0])
            if len(values) > 1 or key == _key(tars[first], values[0]):  # else the hashes collide
                yield Repeat(first, second, len(values), key)


def _hash(key: str) -> int:
    return xxhash.xxh3_64_intdigest(key.encode())


def _key(tar: Path, wanted: int) -> str:
    """The key with that hash, as far as the tar can be read."""
    with mapped(tar) as content, suppress(DamagedTarError):
        for span in spans(content):
            if _hash(span.key) == wanted:
                return span.key
    return ""
