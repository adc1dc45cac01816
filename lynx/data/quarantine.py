"""Remembers every row that could not be used, in a file where there is one, and judges how many."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from pathlib import Path

from lynx.data.batch import Failure


class Quarantine:
    """Rows that could not be used; with a path, of all ranks and all lives of a run.

    The file has JSON lines of source, row, position and reason, each row once. Without a path the
    rows of this process are remembered.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._known: set[tuple[str, int]] = set()
        self._counts: Counter[str] = Counter()
        self._read = 0  # bytes
        self._catch_up()

    @property
    def is_shared(self) -> bool:
        """Whether other ranks and lives are counted too."""
        return self._path is not None

    @property
    def counts(self) -> dict[str, int]:
        """Rows by source."""
        self._catch_up()
        return dict(self._counts)

    def add(self, failure: Failure) -> bool:
        """Write the failure, unless its row is there already; whether it was new."""
        self._catch_up()
        if (failure.source, failure.row) in self._known:
            return False
        self._remember(failure.source, failure.row)
        if self._path is not None:
            self._append(self._path, json.dumps(failure._asdict(), ensure_ascii=False))
        return True

    def _append(self, path: Path, line: str) -> None:
        """One write to the end of a local file is whole, whoever else writes; a line that a kill
        has cut gets its end first."""
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            size = os.fstat(descriptor).st_size
            is_cut = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            os.write(descriptor, f"{chr(10) * is_cut}{line}\n".encode())
        finally:
            os.close(descriptor)

    def _catch_up(self) -> None:
        """Read what has been added since; a line that a kill has cut is passed over."""
        if self._path is None or not self._path.exists():
            return
        with self._path.open("rb") as stream:
            stream.seek(self._read)
            for line in stream:
                if not line.endswith(b"\n"):
                    break
                self._read += len(line)
                try:
                    record = json.loads(line)
                except ValueError:
                    continue
                self._remember(record["source"], record["row"])

    def _remember(self, source: str, row: int) -> None:
        if (source, row) not in self._known:
            self._known.add((source, row))
            self._counts[source] += 1


def allowed_failures(share: float, *, judged: int, size: int) -> float:
    """So many of `judged` rows of a source of `size` may fail where `share` of all may.

    With four standard deviations of chance as long as not all rows have been seen; one always may.
    """
    chance = 4 * math.sqrt(share * judged * max(0.0, 1 - judged / size))
    return max(1.0, share * judged + chance)
