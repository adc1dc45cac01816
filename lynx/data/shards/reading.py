"""Reads any row of a source's shards, and notices when its bytes are not those once written."""

from __future__ import annotations

import json
import os
from bisect import bisect_right
from functools import cached_property, partial
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from lynx.config.errors import LynxError
from lynx.data.sample import Sample, UnreadableSampleError
from lynx.data.shards.folders import open_folder, opened
from lynx.data.shards.index import checksum, open_index
from lynx.data.shards.layout import READERS
from lynx.data.shards.manifest import MANIFEST, parse_manifest
from lynx.data.shards.tar import unpacked

_MOST_OPEN = 128  # shards of a source, two files each; systems allow some thousand in a process
_UNREADABLE = (  # what damaged bytes make of reading a sample
    OSError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    EOFError,
    MemoryError,
    OverflowError,
)


class ShardedSource:
    """The samples of one folder of shards, by row; can be pickled and used in any process."""

    def __init__(self, location: str | os.PathLike[str], **cache: Any) -> None:
        """location: a folder's path or URL; cache: see `open_folder`.

        LynxError when the folder, its manifest, a shard or an index is missing or cut short.
        """
        self.directory = location if "://" in str(location) else Path(location)
        self._folder = open_folder(location, **cache)
        self._manifest = parse_manifest(
            self._folder.manifest_text(), place=f"{self._folder}/{MANIFEST}"
        )
        self._folder.check(self._manifest)
        if self._manifest.layout.get("name") not in READERS:
            raise LynxError(f"{self._folder}/{MANIFEST}: no layout {self._manifest.layout}")
        self.name: str = self._manifest.source
        self.licence: str = self._manifest.licence
        self._ends = list(accumulate(shard.num_rows for shard in self._manifest.shards))
        # Of each open shard: its descriptor, its index, its first row. Indices are mapped and their
        # maps hold files open too, so that they can't all stay: a source may have 12,000 shards.
        self._open_shards: dict[int, tuple[int, np.ndarray, int]] = {}

    def __len__(self) -> int:
        """Number of rows."""
        return self._ends[-1]

    @property
    def shard_ends(self) -> tuple[int, ...]:
        """Row after the last one of each shard, ascending."""
        return tuple(self._ends)

    @property
    def num_bytes(self) -> int:
        """Of all tar files."""
        return sum(shard.bytes for shard in self._manifest.shards)

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hex digits of the content of all shards, as the manifest states it."""
        return self._manifest.fingerprint

    def read(self, row: int) -> Sample:
        """What is learned in row 0 <= row < len(self).

        Raises UnreadableSampleError with shard and row when its bytes are not those once written.
        """
        try:
            content, number = self._span(row)
            return self._parsed(content).row(number)
        except LynxError:  # the shard can't be had: that is not one sample's fault
            raise
        except _UNREADABLE as error:
            raise self._unreadable(row, error) from error

    def read_members(self, row: int) -> tuple[str, dict[str, memoryview]]:
        """Key of the sample in the row, and content of its members by ending; errors as `read`."""
        try:
            return unpacked(self._span(row)[0])
        except LynxError:
            raise
        except _UNREADABLE as error:
            raise self._unreadable(row, error) from error

    def metadata(self, row: int) -> dict[str, Any]:
        """All that the sample's JSON says, such as scores of who made the shard; {} for none."""
        content = self.read_members(row)[1].get("json")
        try:
            found: Any = json.loads(content.tobytes()) if content else {}
        except ValueError as error:
            raise self._unreadable(row, error) from error
        return found if isinstance(found, dict) else {}

    def stored_row(self, row: int) -> int:
        """The row itself: all rows of the shards are there."""
        return row

    def place(self, row: int) -> str:
        """Where a person finds the row: source, shard, and row within the shard."""
        number, within = self._located(row)
        return f"{self.name}: row {row} ({self._tar_name(number)} row {within})"

    def _tar_name(self, number: int) -> str:
        file = self._manifest.shards[number].file
        return file if os.path.isabs(file) else f"{self._folder}/{file}"

    def _unreadable(self, row: int, error: Exception) -> UnreadableSampleError:
        reason = str(error) or type(error).__name__
        return UnreadableSampleError(f"{self.place(row)} can't be read: {reason}")

    def _located(self, row: int) -> tuple[int, int]:
        """Number of the shard, and the row within it."""
        if not 0 <= row < self._ends[-1]:
            raise IndexError(f"{self.name}: row {row} of {len(self)}")
        number = bisect_right(self._ends, row)
        return number, row - (self._ends[number - 1] if number else 0)

    def _span(self, row: int) -> tuple[bytes, int]:
        """The sample's bytes in its tar, compared with the index, and the row of the sample."""
        ends = self._ends  # this and `unpacked` are what a read costs beyond copy and checksum
        if not 0 <= row < ends[-1]:
            raise IndexError(f"{self.name}: row {row} of {len(self)}")
        shard = bisect_right(ends, row)
        descriptor, index, first = self._open_shards.get(shard) or self._open(shard)
        offset, size, expected, number = index[row - first].tolist()
        content = os.pread(descriptor, size, offset)
        if checksum(content) != expected:
            raise ValueError("its bytes have changed since they were written")
        return content, number

    def _open_index(self, number: int) -> np.ndarray:
        shard = self._manifest.shards[number]
        opener = partial(open_index, num_rows=shard.num_rows)
        try:
            index = opened(partial(self._folder.index, shard), opener)
        except LynxError:
            raise
        except (ValueError, EOFError) as error:
            raise LynxError(f"{self._folder}/{shard.index_file}: {error}") from error
        return index

    def _open(self, number: int) -> tuple[int, np.ndarray, int]:
        index = self._open_index(number)
        find = partial(self._folder.tar, self._manifest.shards[number])
        descriptor = opened(find, partial(os.open, flags=os.O_RDONLY))
        shards = self._open_shards
        # A file that was evicted takes up the disk as long as it is open.
        gone = [one for one, (file, *_) in shards.items() if not os.fstat(file).st_nlink]
        if not gone and len(shards) >= _MOST_OPEN:
            gone = [next(iter(shards))]
        for one in gone:
            os.close(shards.pop(one)[0])
        shards[number] = descriptor, index, self._ends[number] - len(index)
        return shards[number]

    def _parsed(self, content: bytes) -> Sample:
        key, found = unpacked(content)
        layout = self._manifest.layout
        owned = {ending: payload.tobytes() for ending, payload in found.items()}
        return READERS[layout["name"]](key, self.name, owned, layout)

    def __getstate__(self) -> dict[str, Any]:
        # A mapped array would be pickled as a copy, and a descriptor means nothing elsewhere.
        return {**self.__dict__, "_open_shards": {}}

    def __del__(self) -> None:
        for descriptor, *_ in getattr(self, "_open_shards", {}).values():
            os.close(descriptor)
