"""Lists rows of sources to leave out, and reads a source without them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from lynx.config.errors import LynxError
from lynx.config.files import require_keys
from lynx.data.sample import Sample
from lynx.data.shards.reading import ShardedSource

_HEADER = ("source", "fingerprint", "num_rows", "num_excluded", "made_by")
_ENTRY = ("source", "row", "key", "reason")


class ExcludedRow(NamedTuple):
    """A row of the source's shards, the key of its sample, and why it is left out."""

    row: int
    key: str
    reason: str


class SourceExclusions(NamedTuple):
    """What is left out of a source; `rows` may come in any order, and may be a generator.

    fingerprint, num_rows: of the source's shards. made_by: command or program, with its settings.
    """

    source: str
    fingerprint: str
    num_rows: int
    made_by: str
    rows: Iterable[ExcludedRow]


@dataclass(frozen=True)
class Excluded:
    """The rows of one source that a file leaves out.

    rows: int64, ascending, each once. fingerprint, num_rows: of the shards they are rows of.
    """

    path: Path
    source: str
    fingerprint: str
    num_rows: int
    made_by: str
    rows: np.ndarray


def write_exclusions(path: str | os.PathLike[str], sources: Iterable[SourceExclusions]) -> int:
    """Write the file, which appears complete or not at all; gives the number of rows left out.

    JSON lines: per source a header (`_HEADER`), then its rows (`_ENTRY`). Such files may be joined
    with `cat`: a source that comes twice leaves out the rows of both.
    """
    target, total = Path(path), 0
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with part.open("w", encoding="utf-8") as stream:
            for one in sources:
                total += _write_source(stream, one)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return total


def _write_source(stream: IO[str], one: SourceExclusions) -> int:
    """The header states the number of rows, so they are put aside until it is known."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as body:
        count = 0
        for entry in one.rows:
            body.write(_line(_ENTRY, (one.source, int(entry.row), entry.key, entry.reason)))
            count += 1
        stream.write(
            _line(_HEADER, (one.source, one.fingerprint, one.num_rows, count, one.made_by))
        )
        body.seek(0)
        shutil.copyfileobj(body, stream)
    return count


def _line(keys: tuple[str, ...], values: tuple[Any, ...]) -> str:
    return json.dumps(dict(zip(keys, values, strict=True)), ensure_ascii=False) + "\n"


def read_exclusions(path: str | os.PathLike[str]) -> dict[str, Excluded]:
    """What a file leaves out, by source.

    LynxError with file and line: a line that is no header and no row, a row before its source's
    header or beyond its shards; headers of one source that differ; fewer rows than a header states,
    so that a file that was cut is no shorter list.
    """
    target = Path(path)
    headers: dict[str, dict[str, Any]] = {}
    rows: dict[str, array[int]] = {}
    for place, record in _records(target):
        source = str(record.get("source"))
        if "fingerprint" in record:
            _add_header(headers, dict(require_keys(record, _HEADER, place)), place)
            rows.setdefault(source, array("q"))
            continue
        row = require_keys(record, _ENTRY, place)["row"]
        if source not in headers:
            raise LynxError(f"{place}: row {row} of {source!r} comes before the source's header")
        if not isinstance(row, int) or not 0 <= row < headers[source]["num_rows"]:
            count = headers[source]["num_rows"]
            raise LynxError(f"{place}: {row!r} is no row of {source}, which has {count}")
        rows[source].append(row)
    return {source: _excluded(target, head, rows[source]) for source, head in headers.items()}


def _records(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        with path.open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, start=1):
                place = f"{path}: line {number}"
                record = json.loads(line)
                if not isinstance(record, dict):
                    raise LynxError(f"{place}: {record!r} is neither a header nor a row")
                yield place, record
    except OSError as error:
        raise LynxError(f"{path}: no exclusions here: {error.strerror}") from error
    except LynxError:
        raise
    except ValueError as error:  # of JSON or UTF-8
        raise LynxError(f"{path}: not readable as JSON lines: {error}") from error


def _add_header(headers: dict[str, dict[str, Any]], head: dict[str, Any], place: str) -> None:
    for key in ("num_rows", "num_excluded"):
        if not isinstance(head[key], int):
            raise LynxError(f"{place}: {key} is {head[key]!r}; a number of rows is needed")
    known = headers.setdefault(head["source"], head)
    if known is head:
        return
    for key in ("fingerprint", "num_rows"):
        if known[key] != head[key]:
            raise LynxError(
                f"{place}: a second header of {head['source']} has {key} {head[key]}, the first "
                f"{known[key]}; they are lists for different shards"
            )
    known["num_excluded"] += head["num_excluded"]
    if head["made_by"] != known["made_by"]:
        known["made_by"] += f"; {head['made_by']}"


def _excluded(path: Path, head: dict[str, Any], rows: array[int]) -> Excluded:
    if len(rows) != head["num_excluded"]:
        raise LynxError(
            f"{path}: has {len(rows)} rows of {head['source']}, its header states "
            f"{head['num_excluded']}; the file was cut or changed, so make it again"
        )
    return Excluded(
        path=path,
        source=head["source"],
        fingerprint=head["fingerprint"],
        num_rows=head["num_rows"],
        made_by=head["made_by"],
        rows=np.unique(np.frombuffer(rows, dtype=np.int64)),
    )


class KeptRows:
    """A source without its excluded rows; the kept ones are numbered from 0 without gaps.

    Takes 16 bytes of memory per excluded row, whatever the source's size.
    """

    def __init__(self, source: ShardedSource, excluded: Excluded) -> None:
        """LynxError where `excluded` is of other shards, or leaves no row."""
        place = f"{excluded.path}: {excluded.source}"
        if excluded.source != source.name:
            raise LynxError(f"{place}: is a list for another source than {source.name}")
        if (excluded.fingerprint, excluded.num_rows) != (source.fingerprint, len(source)):
            raise LynxError(
                f"{place}: the list is for shards with fingerprint {excluded.fingerprint} "
                f"({excluded.num_rows} rows); those in {source.directory} have "
                f"{source.fingerprint} ({len(source)} rows), so make the list again"
            )
        if len(excluded.rows) == len(source):
            raise LynxError(f"{place}: leaves out all {len(source)} rows")
        self._source, self._excluded = source, excluded.rows
        # The i-th excluded row comes after this many kept ones.
        self._kept_before = excluded.rows - np.arange(len(excluded.rows))
        self.name, self.directory = source.name, source.directory

    def __len__(self) -> int:
        """Number of kept rows."""
        return len(self._source) - len(self._excluded)

    @property
    def shard_ends(self) -> tuple[int, ...]:
        """Kept row after the last one of each shard; equal ends where a shard keeps none."""
        ends = np.array(self._source.shard_ends)
        return tuple((ends - np.searchsorted(self._excluded, ends)).tolist())

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hex digits of the shards' content and the excluded rows; the shards' for none."""
        if not len(self._excluded):
            return self._source.fingerprint
        rows = self._excluded.astype("<i8").tobytes()
        return hashlib.sha256(self._source.fingerprint.encode() + rows).hexdigest()[:16]

    def stored_row(self, row: int) -> int:
        """Row of the shards that is the kept row 0 <= row < len(self)."""
        if not 0 <= row < len(self):
            raise IndexError(f"{self.name}: row {row} of {len(self)} kept ones")
        return row + int(np.searchsorted(self._kept_before, row, side="right"))

    def read(self, row: int) -> Sample:
        """What is learned in the kept row; errors as `ShardedSource.read`."""
        return self._source.read(self.stored_row(row))

    def place(self, row: int) -> str:
        """Where a person finds the kept row in the shards."""
        return self._source.place(self.stored_row(row))
