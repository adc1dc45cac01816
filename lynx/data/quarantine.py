"""The file that names every row which could not be used, once."""

from __future__ import annotations

import json
import os
from pathlib import Path

from lynx.data.batch import Failure


class Quarantine:
    """JSON lines of source, row, position and reason; ranks and later lives of a run add to it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: set[tuple[str, int]] = set()
        self._read = 0  # bytes

    def add(self, failure: Failure) -> bool:
        """Write the failure, unless its row is there already; whether it was written."""
        self._catch_up()
        if (failure.source, failure.row) in self._known:
            return False
        self._path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps(failure._asdict(), ensure_ascii=False) + "\n"
        # One write to the end of a local file is whole, whoever else writes.
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)
        self._known.add((failure.source, failure.row))
        return True

    def rows(self) -> set[tuple[str, int]]:
        """(source, row) of all that was written so far, by whomever."""
        self._catch_up()
        return set(self._known)

    def _catch_up(self) -> None:
        """Read what has been added since; a line that a kill has cut is passed over."""
        if not self._path.exists():
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
                self._known.add((record["source"], record["row"]))
