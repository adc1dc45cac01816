"""The manifest of a folder of shards: what is in it, who made it, and the hash of every file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from lynx.config.errors import LynxError

MANIFEST = "manifest.json"
FORMAT = 2  # of index and manifest; raise it when older ones can't be read
_KINDS = {str: "text", int: "number from 0 up", list: "list", dict: "mapping"}
Value = TypeVar("Value")


@dataclass(frozen=True)
class Shard:
    """One tar file; `file` is relative to the manifest's folder, or absolute where it was imported.

    num_samples: of the tar; num_rows: of its index, where a sample may have several.
    """

    file: str
    num_samples: int
    num_rows: int
    bytes: int
    sha256: str
    index_sha256: str

    @property
    def index_file(self) -> str:
        """Name of the index, which lies beside the manifest."""
        return f"{Path(self.file).stem}.npy"


_SHARD: dict[str, type] = get_type_hints(Shard)


@dataclass(frozen=True)
class Manifest:
    """A source's shards in order. layout: how a sample's members are read (`layout.py`)."""

    source: str
    licence: str
    builder: str
    shards: tuple[Shard, ...]
    layout: Mapping[str, str] = field(default_factory=lambda: {"name": "lynx"})

    @property
    def num_rows(self) -> int:
        """Training examples in all shards."""
        return sum(shard.num_rows for shard in self.shards)

    @property
    def fingerprint(self) -> str:
        """Sixteen hex digits of the source's name, all its contents, and how they are read.

        The same tars give other samples under another layout, and other rows under another index.
        """
        shards = [(shard.sha256, shard.index_sha256, shard.num_rows) for shard in self.shards]
        text = json.dumps([self.source, sorted(self.layout.items()), shards])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def as_json(self) -> dict[str, Any]:
        """What is written to MANIFEST."""
        head = {"format": FORMAT, "source": self.source, "num_rows": self.num_rows}
        origin = {"licence": self.licence, "builder": self.builder, "layout": dict(self.layout)}
        return head | origin | {"shards": [asdict(shard) for shard in self.shards]}


def parse_manifest(text: str, *, place: object) -> Manifest:
    """The manifest in a file's text; LynxError at `place` where it is none."""
    try:
        content = json.loads(text)
    except ValueError as error:
        raise LynxError(f"{place}: not readable as JSON: {error}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        stated = content.get("format") if isinstance(content, dict) else None
        raise LynxError(
            f"{place}: is of format {stated}, and {FORMAT} is read; build the shards again, or "
            "index them again with `lynx data import`"
        )
    shards = enumerate(_value(content, "shards", list, f"{place}: "))
    manifest = Manifest(
        source=_value(content, "source", str, f"{place}: "),
        licence=_value(content, "licence", str, f"{place}: "),
        builder=_value(content, "builder", str, f"{place}: "),
        shards=tuple(_shard(one, f"{place}: shards.{number}") for number, one in shards),
        layout=_value(content, "layout", dict, f"{place}: "),
    )
    for key in manifest.layout:
        _value(manifest.layout, key, str, f"{place}: layout.")
    stated = _value(content, "num_rows", int, f"{place}: ")
    if not stated == manifest.num_rows > 0:
        rows = f"{len(manifest.shards)} shards have {manifest.num_rows} rows"
        raise LynxError(f"{place}: num_rows: says {stated}, and its {rows}; make it again")
    return manifest


def _shard(entry: Any, place: str) -> Shard:
    if not isinstance(entry, dict):
        raise LynxError(f"{place}: {entry!r} is no mapping; make the manifest again")
    return Shard(**{key: _value(entry, key, kind, f"{place}.") for key, kind in _SHARD.items()})


def _value(entry: Mapping[str, Any], key: str, kind: type[Value], where: str) -> Value:
    """What `entry` has at `key`; LynxError where it has none, or anything else than `kind`."""
    if key not in entry:
        raise LynxError(f"{where}{key}: is missing; make the manifest again")
    found = entry[key]
    # Not by `isinstance`, to which True is an int.
    if type(found) is not kind or (isinstance(found, int) and found < 0):
        raise LynxError(f"{where}{key}: {found!r} is no {_KINDS[kind]}; make the manifest again")
    return found
