"""Shards: the samples of one source as WebDataset tar files that can be read in any order.

A folder holds `manifest.json` and, per shard, a tar file that any WebDataset reader can iterate and
an index `.npy` with one row per sample: offset, size (bytes in the tar) and CRC-32. The index is
what makes a damaged shard an error: tar readers silently drop what follows a bad header.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import accumulate, chain, islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from lynx.config.errors import LynxError
from lynx.data.sample import Round, Sample, UnreadableSampleError
from lynx.tracking.files import atomic_dir, write_json_atomic

_MANIFEST = "manifest.json"
_KINDS = {"text": "no picture", "image": "one picture", "video": "at least two pictures"}
_LONGEST_KEY = 80  # characters; tar headers hold 100 with the ending
_BYTES_PER_ROW = 3 * 8  # of an index, which has a header besides
_UNREADABLE = (  # what damaged bytes make of reading a sample
    OSError,
    ValueError,
    EOFError,
    KeyError,
    MemoryError,
    OverflowError,
    tarfile.TarError,
)
_SIGNATURES = {b"\x89PNG": "png", b"\xff\xd8": "jpg"}


def write_shards(
    samples: Iterable[Sample],
    directory: Path,
    *,
    source: str,
    samples_per_shard: int,
    licence: str,
    builder: str,
) -> None:
    """Write all samples in order; `directory` appears complete or not at all.

    The same samples give the same bytes on every machine. licence: under which the samples may be
    used; builder: what made them, with its version. Raises LynxError on a sample that a reader
    could not give back, on a key that comes twice, and when there are no samples.
    """
    with atomic_dir(directory) as folder:
        shards: list[dict[str, Any]] = []
        remaining = _checked(samples, source)
        for first in remaining:
            stem = f"{source}-{len(shards):06d}"
            batch = chain([first], islice(remaining, samples_per_shard - 1))
            shards.append(_write_shard(folder, stem, batch))
        if not shards:
            raise LynxError(f"{source}: there are no samples to write to {directory}")
        manifest = {
            "source": source,
            "num_samples": sum(shard["num_samples"] for shard in shards),
            "licence": licence,
            "builder": builder,
            "shards": shards,
        }
        write_json_atomic(folder / _MANIFEST, manifest)


def _checked(samples: Iterable[Sample], source: str) -> Iterator[Sample]:
    seen: set[str] = set()
    for sample in samples:
        place = f"{source}: sample {sample.key!r}"
        if not sample.key or set(sample.key) & set("./ ") or len(sample.key) > _LONGEST_KEY:
            raise LynxError(f"{place}: a key has 1 to {_LONGEST_KEY} characters without . / blank")
        if sample.key in seen:
            raise LynxError(f"{place}: this key came before; keys must be unique")
        seen.add(sample.key)
        if sample.source != source:
            raise LynxError(f"{place}: belongs to the source {sample.source!r}")
        if not sample.rounds:
            raise LynxError(f"{place}: has no round, so there is nothing to learn from it")
        if sample.kind != ("text", "image", "video")[min(len(sample.images), 2)]:
            wanted = _KINDS.get(sample.kind, "a kind of text, image or video")
            raise LynxError(
                f"{place}: kind {sample.kind!r} with {len(sample.images)} pictures; needs {wanted}"
            )
        yield sample


def _write_shard(folder: Path, stem: str, samples: Iterable[Sample]) -> dict[str, Any]:
    """Write one tar file and its index; returns the shard's entry in the manifest."""
    from webdataset import TarWriter  # slow to import, and readers do without

    tar_path = folder / f"{stem}.tar"
    with (
        tar_path.open("wb") as stream,
        TarWriter(stream, user="lynx", group="lynx", encoder=False, mtime=0) as writer,
    ):
        bounds = [0]
        for sample in samples:
            writer.write(_members(sample))
            bounds.append(writer.tarstream.offset)
    content = tar_path.read_bytes()
    rows = [(start, end - start, zlib.crc32(content[start:end])) for start, end in pairwise(bounds)]
    np.save(folder / f"{stem}.npy", np.array(rows, dtype=np.int64))
    return {
        "file": tar_path.name,
        "num_samples": len(rows),
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def _members(sample: Sample) -> dict[str, Any]:
    """The sample as WebDataset has it: `__key__`, then ending -> content."""
    rounds = [{"fields": dict(r.fields), "response": r.response} for r in sample.rounds]
    record = {"kind": sample.kind, "rounds": rounds}
    text = json.dumps(record, ensure_ascii=False, sort_keys=True)
    members: dict[str, Any] = {"__key__": sample.key, "json": text.encode()}
    for number, image in enumerate(sample.images):
        ending = next((e for s, e in _SIGNATURES.items() if image.startswith(s)), None)
        if ending is None:
            raise LynxError(f"{sample.source}: sample {sample.key!r}: a picture is no PNG or JPEG")
        # Tar writers sort by ending: two digits keep ten and more frames in order.
        members[ending if sample.kind == "image" else f"{number:02d}.{ending}"] = image
    return members


class ShardedSource:
    """The samples of one folder of shards, by row; can be pickled and used in any process."""

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        """LynxError when the folder, its manifest, a shard or an index is missing or cut short."""
        self.directory = Path(directory)
        manifest = self._manifest()
        self.name: str = manifest["source"]
        self._shards: list[dict[str, Any]] = manifest["shards"]
        self._ends = list(accumulate(shard["num_samples"] for shard in self._shards))
        self._indices: dict[int, np.ndarray] = {}
        for shard in self._shards:
            path = self.directory / shard["file"]
            size = _size(path)
            if size != shard["bytes"]:
                raise LynxError(f"{path}: {_found(size)}; {_MANIFEST} says {shard['bytes']} bytes")
            index, rows = path.with_suffix(".npy"), shard["num_samples"]
            size = _size(index)
            if size is None or size <= rows * _BYTES_PER_ROW:
                raise LynxError(f"{index}: {_found(size)}; {_MANIFEST} says {rows} samples")

    def _manifest(self) -> dict[str, Any]:
        path = self.directory / _MANIFEST
        try:
            return json.loads(path.read_text())
        except OSError as error:
            raise LynxError(f"{path}: no shards here: {error.strerror}") from error
        except ValueError as error:
            raise LynxError(f"{path}: not readable as JSON: {error}") from error

    def __len__(self) -> int:
        """Number of samples."""
        return self._ends[-1]

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hex digits of the content of all shards, as the manifest states it."""
        digests = [self.name, *(shard["sha256"] for shard in self._shards)]
        return hashlib.sha256("\n".join(digests).encode()).hexdigest()[:16]

    def read(self, row: int) -> Sample:
        """The sample in row 0 <= row < len(self).

        Raises UnreadableSampleError with shard and row when its bytes are not those once written.
        """
        number, within = self._located(row)
        path = self.directory / self._shards[number]["file"]
        try:
            offset, size, checksum = (int(value) for value in self._index(number)[within])
            with path.open("rb") as stream:
                content = os.pread(stream.fileno(), size, offset)
            if zlib.crc32(content) != checksum:
                raise ValueError("its bytes have changed since they were written")
            return self._parsed(content)
        except _UNREADABLE as error:
            reason = str(error) or type(error).__name__
            raise UnreadableSampleError(f"{self.place(row)} can't be read: {reason}") from error

    def place(self, row: int) -> str:
        """Where a person finds the row: source, shard, and row within the shard."""
        number, within = self._located(row)
        path = self.directory / self._shards[number]["file"]
        return f"{self.name}: row {row} ({path} row {within})"

    def _located(self, row: int) -> tuple[int, int]:
        """Number of the shard, and the row within it."""
        if not 0 <= row < len(self):
            raise IndexError(f"{self.name}: row {row} of {len(self)}")
        number = bisect_right(self._ends, row)
        return number, row - (self._ends[number - 1] if number else 0)

    def _index(self, number: int) -> np.ndarray:
        """Offsets, sizes and checksums of a shard; mapped, as 100 million rows don't fit twice."""
        if number not in self._indices:
            path = (self.directory / self._shards[number]["file"]).with_suffix(".npy")
            index = np.load(path, mmap_mode="r")
            if index.shape != (self._shards[number]["num_samples"], 3):
                raise ValueError(f"the index {path.name} doesn't fit {_MANIFEST}")
            self._indices[number] = index
        return self._indices[number]

    def _parsed(self, content: bytes) -> Sample:
        record: dict[str, Any] = {}
        images: list[bytes] = []
        key = ""
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as members:
            for member in members:
                key, _, ending = member.name.partition(".")
                extracted = members.extractfile(member)
                payload = extracted.read() if extracted else b""
                if ending == "json":
                    record = json.loads(payload)
                else:
                    images.append(payload)
        rounds = tuple(Round(r["fields"], r["response"]) for r in record["rounds"])
        return Sample(key, self.name, record["kind"], rounds, tuple(images))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_indices": {}}  # a mapped array would be pickled as a copy


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _found(size: int | None) -> str:
    return "is missing" if size is None else f"has {size} bytes"
