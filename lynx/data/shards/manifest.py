"""The manifest of a folder of shards: what is in it, who made it, and the hash of every file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from lynx.config.errors import LynxError

MANIFEST = "manifest.json"
FORMAT = 2  # of index and manifest; raise it when older ones can't be read


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
        """Sixteen hex digits of the source's name and all its contents."""
        digests = [self.source, *(shard.sha256 for shard in self.shards)]
        return hashlib.sha256("\n".join(digests).encode()).hexdigest()[:16]

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
    try:
        names = [one.name for one in fields(Shard)]
        shards = tuple(Shard(**{name: one[name] for name in names}) for one in content["shards"])
        manifest = Manifest(
            source=content["source"],
            licence=content["licence"],
            builder=content["builder"],
            shards=shards,
            layout=content["layout"],
        )
        stated = content["num_rows"]
    except (KeyError, TypeError) as error:
        raise LynxError(f"{place}: is no manifest of shards: {error} is missing") from error
    if not stated == manifest.num_rows > 0:
        rows = f"{len(shards)} shards have {manifest.num_rows} rows"
        raise LynxError(f"{place}: num_rows: says {stated}, and its {rows}; make it again")
    return manifest
