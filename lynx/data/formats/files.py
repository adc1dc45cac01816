"""Reads the files of a downloaded dataset, and says which one is missing or malformed."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from lynx.config.errors import LynxError
from lynx.config.nearest import nearest_hint

_KEPT = {b"\xff\xd8": "JPEG", b"\x89PNG": "PNG"}
_KEY_LENGTH = 80
_LINES_HINT = (
    "; a file with one JSON text per line must have a name that ends in .jsonl to be read line by "
    "line"
)


def found(root: Path, *candidates: str) -> Path:
    """The first of the files or folders below `root` that is there; LynxError names all of them."""
    for candidate in candidates:
        if (root / candidate).exists():
            return root / candidate
    raise LynxError(f"{root}: has no {' or '.join(candidates)}")


def read_json(path: Path) -> Any:
    """The content of a JSON file."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise LynxError(f"{path}: can't be read: {error.strerror}") from error
    except ValueError as error:
        hint = _LINES_HINT if getattr(error, "msg", "") == "Extra data" else ""
        raise LynxError(f"{path}: not readable as JSON: {error}{hint}") from error


def read_json_lines(path: Path) -> Iterator[Any]:
    """The objects of a file with one JSON text per line; blank lines are passed over."""
    for number, line in enumerate(read_lines(path), start=1):
        try:
            yield json.loads(line)
        except ValueError as error:
            raise LynxError(f"{path}: line {number} is not readable as JSON: {error}") from error


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a text that are not blank, without their line breaks."""
    try:
        with path.open(encoding="utf-8-sig", newline=None) as stream:
            for line in stream:
                if line.strip():
                    yield line.rstrip("\n")
    except OSError as error:
        raise LynxError(f"{path}: can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise LynxError(f"{path}: is no UTF-8 text: {error}") from error


def read_table(path: Path, *, delimiter: str = ",") -> Iterator[Mapping[str, str]]:
    """The rows of a CSV (or TSV) file with a header, by column."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            yield from csv.DictReader(stream, delimiter=delimiter, skipinitialspace=True)
    except OSError as error:
        raise LynxError(f"{path}: can't be read: {error.strerror}") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise LynxError(f"{path}: not readable as a table: {error}") from error


def wanted(record: Any, key: str, place: str | Path) -> Any:
    """record[key]; LynxError where the record has no such key."""
    try:
        return record[key]
    except (KeyError, TypeError, IndexError) as error:
        if not isinstance(record, Mapping):
            raise LynxError(
                f"{place}: has no `{key}`; it is of type {type(record).__name__}"
            ) from error
        keys = [str(one) for one in record]
        hint = nearest_hint(str(key), keys)
        raise LynxError(f"{place}: has no `{key}`{hint}; it has {keys}") from error


def placed(records: Iterable[Any], path: Path) -> Iterator[tuple[str, Any]]:
    """Each record with its place for messages: the file, and its number from 1 or its id."""
    if isinstance(records, Mapping):
        yield from ((f"{path}: record {name!r}", record) for name, record in records.items())
    else:
        for number, record in enumerate(records, start=1):
            yield f"{path}: record {number}", record


def text_of(record: Any, key: str, place: str | Path) -> str:
    """record[key], which must be a text; empty where it is null, or NaN as pandas writes it."""
    value = wanted(record, key, place)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if not isinstance(value, str):
        raise LynxError(f"{place}: `{key}` is {value!r}, no text")
    return value


def picture(path: Path) -> bytes | None:
    """The bytes of a picture file, as PNG where it is neither JPEG nor PNG; None if there is none.

    Whether a JPEG or PNG is sound is not looked at: training replaces what it can't decode.
    """
    try:
        content = path.read_bytes()
    except (OSError, ValueError):  # ValueError: a name with NUL or a lone surrogate
        return None
    if any(content.startswith(signature) for signature in _KEPT):
        return content
    try:
        with Image.open(io.BytesIO(content)) as opened:
            return png(opened)
    except Exception:  # on damaged files Pillow also raises AssertionError and others
        return None


def png(image: Image.Image) -> bytes:
    """The picture as PNG."""
    stream = io.BytesIO()
    keep = image.mode in ("L", "LA", "P", "RGB", "RGBA", "I;16")
    (image if keep else image.convert("RGB")).save(stream, "PNG")
    return stream.getvalue()


def shard_key(*parts: object) -> str:
    """A key that shards take: letters, digits, - and _, at most 80 characters (its end is kept)."""
    text = "_".join(str(part) for part in parts)
    return re.sub(r"[^A-Za-z0-9_-]", "_", text)[-_KEY_LENGTH:]


def read_records(path: Path) -> Iterator[Any]:
    """The records of a JSON list (`.json`) or of one JSON text per line (`.jsonl`, `.jsonl.gz`)."""
    if path.name.endswith(".gz"):
        yield from _read_zipped_lines(path)
    elif path.suffix == ".jsonl":
        yield from read_json_lines(path)
    else:
        content = read_json(path)
        if not isinstance(content, list):
            raise LynxError(f"{path}: {type(content).__name__} is no list of records")
        yield from content


def _read_zipped_lines(path: Path) -> Iterator[Any]:
    read = 0
    try:
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            for line in stream:
                if line.strip():
                    yield json.loads(line)
                read += 1
    except (OSError, EOFError, zlib.error) as error:
        raise LynxError(f"{path}: not readable as gzip after line {read}: {error}") from error
    except ValueError as error:
        raise LynxError(f"{path}: line {read + 1} is not readable as JSON: {error}") from error


def matching(root: Path, patterns: Sequence[str]) -> list[Path]:
    """The files below `root` that the patterns ("data/*.json") find, each pattern's in order."""
    paths: dict[Path, None] = {}
    for pattern in patterns:
        hits = sorted(root.glob(pattern))
        if not hits:
            raise LynxError(f"{root}: has no {pattern}")
        paths |= dict.fromkeys(hits)
    return list(paths)


def read_rows(path: Path, *, delimiter: str = ",") -> Iterator[list[str]]:
    """The rows of a CSV (or otherwise delimited) file without a header; blank rows are left out."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            yield from (row for row in csv.reader(stream, delimiter=delimiter) if row)
    except OSError as error:
        raise LynxError(f"{path}: can't be read: {error.strerror}") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise LynxError(f"{path}: not readable as a table: {error}") from error
