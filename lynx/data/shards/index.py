"""The index of a shard: where each row's bytes are, their checksum, and which round it asks."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xxhash

from lynx.data.shards.manifest import MANIFEST
from lynx.tracking.files import write_bytes_atomic

NUM_COLUMNS = 4
BYTES_PER_ROW = NUM_COLUMNS * 8


class Row(NamedTuple):
    """A training example: `size` bytes of the tar from `offset`; `number`: row of the sample."""

    offset: int
    size: int
    checksum: int  # xxh3, read as a signed integer
    number: int


def checksum(content: bytes | memoryview) -> int:
    """xxh3 of the bytes as a signed 64-bit integer: a tenth of what CRC-32 costs."""
    value = xxhash.xxh3_64_intdigest(content)
    return value - (1 << 64) if value >> 63 else value


def write_index(path: Path, rows: Sequence[Row]) -> str:
    """Write the index; gives its sha256."""
    stream = io.BytesIO()
    np.save(stream, np.array(rows, dtype=np.int64).reshape(-1, NUM_COLUMNS))
    content = stream.getvalue()
    write_bytes_atomic(path, content)
    return hashlib.sha256(content).hexdigest()


def open_index(path: Path, *, num_rows: int) -> np.ndarray:
    """int64 (num_rows, 4), mapped: a hundred million rows don't fit twice. ValueError if it isn't.

    Not a `np.memmap`, whose rows cost five times as much to take.
    """
    return parse_index(np.asarray(np.load(path, mmap_mode="r")), num_rows=num_rows)


def parse_index(index: np.ndarray, *, num_rows: int) -> np.ndarray:
    """What a file held; ValueError if it is no index with that many rows."""
    if index.shape != (num_rows, NUM_COLUMNS) or index.dtype != np.int64:
        raise ValueError(f"has the shape {index.shape}; {MANIFEST} says {num_rows} rows")
    return index
