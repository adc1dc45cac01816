"""Writes the samples of a source as shards: tar files, their indices, a manifest."""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path

from lynx.config.errors import LynxError
from lynx.data.sample import Round, Sample
from lynx.data.shards.index import Row, checksum, write_index
from lynx.data.shards.layout import members_of
from lynx.data.shards.manifest import MANIFEST, Manifest, Shard, parse_manifest
from lynx.tracking.files import atomic_dir, write_json_atomic

_LONGEST_KEY = 80  # characters; tar headers hold 100 with the ending
_MOST_FRAMES = 1000  # three digits
_MOST_NAMES = 3  # of files in the way that a message lists
_NEEDS = {
    "text": "no picture",
    "image": "one picture",
    "pair": "two pictures",
    "video": "at least two pictures, or a video file",
}


def write_shards(
    samples: Iterable[Sample],
    directory: Path,
    *,
    source: str,
    samples_per_shard: int,
    licence: str,
    builder: str,
) -> Manifest:
    """Write all samples in order; `directory` appears complete or not at all.

    The same samples give the same bytes on every machine. licence: under which the samples may be
    used; builder: what made them, with its version. Raises LynxError on a sample that a reader
    could not give back, on a key that comes twice, when there are no samples, and before the first
    is taken where `check_writable_target` does.
    """
    check_writable_target(directory, source)
    with atomic_dir(directory) as folder:
        shards: list[Shard] = []
        remaining = _checked(samples, source)
        for first in remaining:
            stem = f"{source}-{len(shards):06d}"
            batch = chain([first], islice(remaining, samples_per_shard - 1))
            shards.append(_write_shard(folder, stem, batch))
        if not shards:
            raise LynxError(f"{source}: there are no samples to write to {directory}")
        manifest = Manifest(source, licence, builder, tuple(shards))
        write_json_atomic(folder / MANIFEST, manifest.as_json())
    return manifest


def check_writable_target(directory: Path, source: str, *, reading: Path | None = None) -> None:
    """LynxError unless shards of `source` may take the place of the whole of `directory`.

    It may be absent, empty, or hold nothing but shards of the same source that Lynx built.
    reading: the folder that the samples come from, which must lie apart.
    """
    if reading is not None:
        shards, copy = directory.resolve(), reading.resolve()
        if shards.is_relative_to(copy) or copy.is_relative_to(shards):
            raise LynxError(
                f"{directory}: the shards must lie apart from {reading}, which they are made from; "
                "name a folder that is neither within it nor around it"
            )
    if not directory.exists():
        return
    if not directory.is_dir():
        raise LynxError(f"{directory}: is a file; name a folder for the shards")
    # Temporary files of `write_bytes_atomic` stay behind when a process is killed.
    paths = [path for path in directory.iterdir() if not path.match(".*.tmp")]
    if paths and (problem := _in_the_way(directory, paths, source)):
        raise LynxError(
            f"{directory}: {problem}; new shards would replace the whole folder: name another one, "
            "or move away what is in it"
        )


def _in_the_way(directory: Path, paths: list[Path], source: str) -> str:
    """What of the folder must not be replaced by new shards of the source; or nothing."""
    known: set[str] = set()
    path = directory / MANIFEST
    if path.is_file():
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
            manifest = parse_manifest(text, place=MANIFEST)
        except LynxError as error:
            return f"holds files of unknown origin ({error})"
        if manifest.source != source:
            return f"holds shards of `{manifest.source}`, not of `{source}`"
        if manifest.layout.get("name") != "lynx":
            return "holds an index of `lynx data import`, perhaps with the tars themselves"
        files = {name for one in manifest.shards for name in (one.file, one.index_file)}
        known = {MANIFEST} | files
    strange = sorted(one.name for one in paths if one.name not in known or not one.is_file())
    more = len(strange) - _MOST_NAMES
    listed = ", ".join(strange[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
    return f"holds {listed}" if strange else ""


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
        if not _has_its_pictures(sample):
            wanted = _NEEDS.get(sample.kind, f"a kind of {', '.join(_NEEDS)}")
            count = "a video file" if sample.video else f"{len(sample.images)} pictures"
            raise LynxError(f"{place}: kind {sample.kind!r} with {count}; needs {wanted}")
        for one in sample.rounds:
            _check_round(one, place)
        yield sample


def _check_round(one: Round, place: str) -> None:
    """What a format's reader gives may have any type, since JSON does."""
    if not isinstance(one.response, str) or not one.response.strip():
        raise LynxError(
            f"{place}: the response {one.response!r} must be a text that says something"
        )
    if not isinstance(one.fields, Mapping):
        raise LynxError(f"{place}: fields must map names to texts, not {one.fields!r}")
    for name, text in one.fields.items():
        if not isinstance(name, str) or not isinstance(text, str):
            raise LynxError(f"{place}: fields must map names to texts, not {name!r} to {text!r}")
    if not isinstance(one.options, tuple) or not all(isinstance(o, str) for o in one.options):
        raise LynxError(f"{place}: the options {one.options!r} must be a tuple of texts")
    if one.options and one.response not in one.options:
        raise LynxError(f"{place}: {one.response!r} is not among its options {one.options}")


def _has_its_pictures(sample: Sample) -> bool:
    count = len(sample.images)
    if sample.video is not None:
        return sample.kind == "video" and count == 0
    if sample.kind == "video":
        return 2 <= count <= _MOST_FRAMES
    return count == {"text": 0, "image": 1, "pair": 2}.get(sample.kind)


def _write_shard(folder: Path, stem: str, samples: Iterable[Sample]) -> Shard:
    """Write one tar file and its index."""
    from webdataset import TarWriter  # slow to import, and readers do without

    tar_path = folder / f"{stem}.tar"
    spans: list[tuple[int, int, int]] = []  # start, end, rows
    with (
        tar_path.open("wb") as stream,
        TarWriter(stream, user="lynx", group="lynx", encoder=False, mtime=0) as writer,
    ):
        end = 0
        for sample in samples:
            writer.write(members_of(sample))
            start, end = end, writer.tarstream.offset
            spans.append((start, end, sample.num_rows))
    rows = []
    with tar_path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as tar:
        for start, end, num_rows in spans:
            sum_of_span = checksum(tar[start:end])
            rows += [Row(start, end - start, sum_of_span, n) for n in range(num_rows)]
        size, digest = len(tar), hashlib.sha256(tar).hexdigest()
    index_digest = write_index(folder / f"{stem}.npy", rows)
    return Shard(tar_path.name, len(spans), len(rows), size, digest, index_digest)
