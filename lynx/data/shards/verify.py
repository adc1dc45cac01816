"""Compares shards with their manifest and indices, and names what differs down to the sample."""

from __future__ import annotations

import hashlib
import io
import mmap
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lynx.config.errors import LynxError
from lynx.data.shards.folders import LocalFolder
from lynx.data.shards.index import checksum, parse_index
from lynx.data.shards.keys import key_hashes, repeated_keys
from lynx.data.shards.manifest import MANIFEST, Manifest, Shard, parse_manifest
from lynx.data.shards.parallel import in_parallel
from lynx.data.shards.scan import Span, mapped, sound_key, spans
from lynx.data.shards.tar import DamagedTarError

_MOST_SAMPLES = 20  # told of one shard
_URL = re.compile(r"(\w[\w+.-]+:)/(?=[^/])")  # a `Path` keeps one of its two slashes
_NO_KEYS = np.zeros(0, dtype=np.uint64)


class Problem(NamedTuple):
    """What is wrong with a shard, or with one of its samples (key, or its row where that can't be
    read)."""

    shard: str
    sample: str
    what: str

    def __str__(self) -> str:
        return f"{self.shard}: {f'sample {self.sample}: ' if self.sample else ''}{self.what}"


class _Compared(NamedTuple):
    problems: list[Problem]
    key_hashes: np.ndarray = _NO_KEYS


class _Place(NamedTuple):
    """A sample as the index has it."""

    row: int
    offset: int
    size: int


def verify_shards(
    directory: Path, *, told: Callable[[int, int], None] = lambda done, total: None
) -> list[Problem]:
    """All that differs from what was once written; an empty list is a promise about every byte.

    Of tars and indices, that is: the manifest's own texts, such as source, licence and builder, are
    compared with nothing. Reads everything. told: is given the number of shards compared so far,
    and of all. LynxError where there is no manifest, and for a URL.
    """
    if (url := _URL.match(str(directory))) and not directory.exists():
        location = f"{url[1]}//{str(directory)[url.end() :]}"
        raise LynxError(
            f"{location}: only a local folder can be verified; copy the shards to one first (a "
            "run compares what it fetches from a URL with the manifest by itself)"
        )
    folder = LocalFolder(directory)
    manifest = parse_manifest(folder.manifest_text(), place=directory / MANIFEST)
    owners = {shard.sha256: shard.file for shard in manifest.shards}
    compared: list[_Compared] = []
    for one in in_parallel(partial(_compare, folder=folder, owners=owners), manifest.shards):
        compared.append(one)
        told(len(compared), len(manifest.shards))
    problems = [problem for one in compared for problem in one.problems]
    problems += _unknown_tars(directory, manifest)
    tars = [folder.tar(shard) for shard in manifest.shards]
    for repeat in repeated_keys([one.key_hashes for one in compared], tars):
        files = [manifest.shards[number].file for number in repeat[:2]]
        what = f"its key and those of {repeat.num_keys - 1} other samples are in {files[0]} too"
        problems.append(Problem(files[1], repeat.key, what))
    return problems


def _compare(shard: Shard, *, folder: LocalFolder, owners: Mapping[str, str]) -> _Compared:
    path = folder.tar(shard)
    index, problems = _read_index(folder.index(shard), shard)
    if not path.is_file():
        return _Compared([*problems, Problem(shard.file, "", "is missing")])
    size = path.stat().st_size
    if size != shard.bytes:
        what = f"has {size} bytes; {MANIFEST} says {shard.bytes}"
        problems.append(Problem(shard.file, "", what))
    try:
        with mapped(path) as content:
            digest = hashlib.sha256(content).hexdigest()
            if digest in owners and digest != shard.sha256:
                what = f"holds what {owners[digest]} should hold"
                return _Compared([*problems, Problem(shard.file, "", what)])
            found, structure = _samples(content)
            damage = [] if index is None else list(_damage(content, shard, index))
    except DamagedTarError as error:
        return _Compared([*problems, Problem(shard.file, "", str(error))])
    if digest != shard.sha256:
        problems.append(Problem(shard.file, "", _changed(index, damage)))
    problems += damage
    if structure:
        problems.append(Problem(shard.file, "", structure))
    elif len(found) != shard.num_samples:
        what = f"has {len(found)} samples; {MANIFEST} says {shard.num_samples}"
        problems.append(Problem(shard.file, "", what))
    return _Compared(problems, key_hashes(found))


def _read_index(path: Path, shard: Shard) -> tuple[np.ndarray | None, list[Problem]]:
    """The index if it is sound, and what is wrong with it."""
    if not path.is_file():
        return None, [Problem(path.name, "", "is missing")]
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != shard.index_sha256:
        what = f"its bytes have changed since {MANIFEST} was written, or it is of another shard"
        return None, [Problem(path.name, "", what)]
    try:
        return parse_index(np.load(io.BytesIO(content)), num_rows=shard.num_rows), []
    except ValueError as error:
        return None, [Problem(path.name, "", str(error))]


def _samples(content: mmap.mmap) -> tuple[list[Span], str]:
    """All samples, and where the tar stops being one."""
    found: list[Span] = []
    try:
        for span in spans(content):
            found.append(span)
    except DamagedTarError as error:
        return found, str(error)
    return found, ""


def _changed(index: np.ndarray | None, damage: Sequence[Problem]) -> str:
    what = f"its bytes are not those that {MANIFEST} has the hash of"
    if index is None:
        return f"{what}; in which samples, only a sound index could tell"
    return what if damage else f"{what}; all samples are as they were written"


def _damage(content: mmap.mmap, shard: Shard, index: np.ndarray) -> Iterator[Problem]:
    """Samples whose bytes differ from the index; each once, however many rows it has."""
    num_samples, changed, lost = 0, list[_Place](), list[_Place]()
    last = -1
    with memoryview(content) as view:
        for row, (offset, size, expected, _) in enumerate(index.tolist()):
            if offset == last:
                continue
            last = offset
            num_samples += 1
            if offset + size > len(view):
                lost.append(_Place(row, offset, size))
            elif checksum(view[offset : offset + size]) != expected:
                changed.append(_Place(row, offset, size))
    if len(changed) == num_samples > 1:
        what = f"none of its {num_samples} samples is what was written: another shard in its place?"
        yield Problem(shard.file, "", what)
        return
    for place in changed[:_MOST_SAMPLES]:
        what = f"its bytes have changed ({_where(place)})"
        yield Problem(shard.file, _name(content, place), what)
    if len(changed) > _MOST_SAMPLES:
        what = f"{len(changed) - _MOST_SAMPLES} more samples have changed"
        yield Problem(shard.file, "", what)
    if lost:
        what = f"cut off at byte {len(content)} ({_where(lost[0])}), and {len(lost) - 1} after it"
        yield Problem(shard.file, _name(content, lost[0]), what)


def _name(content: mmap.mmap, place: _Place) -> str:
    found = content[place.offset : place.offset + place.size].ljust(place.size, b"\0")
    return sound_key(found) or f"in row {place.row}"


def _where(place: _Place) -> str:
    return f"row {place.row}, {place.size} bytes from {place.offset}"


def _unknown_tars(directory: Path, manifest: Manifest) -> list[Problem]:
    known = {shard.file for shard in manifest.shards}
    others = sorted(path.name for path in directory.glob("*.tar") if path.name not in known)
    return [Problem(name, "", f"{MANIFEST} doesn't know it: nobody reads it") for name in others]
