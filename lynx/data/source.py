"""What the stream reads from: the rows of a source, all that its shards have or those kept."""

from __future__ import annotations

import os
from typing import Protocol

from lynx.data.sample import Sample


class Source(Protocol):
    """Rows 0 <= row < len, in a fixed order."""

    name: str
    directory: str | os.PathLike[str]

    def __len__(self) -> int: ...

    @property
    def fingerprint(self) -> str:
        """Changes with the content, and with which rows there are."""

    @property
    def shard_ends(self) -> tuple[int, ...]:
        """Row after the last one of each shard, ascending."""

    def read(self, row: int) -> Sample:
        """The sample in the row; UnreadableSampleError where its bytes are damaged."""

    def stored_row(self, row: int) -> int:
        """Row of the shards that is this row."""

    def place(self, row: int) -> str:
        """Where a person finds the row."""
