"""Looks through sources for the pictures of a benchmark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import track

from lynx.config.errors import LynxError
from lynx.data.overlap.benchmark import BenchmarkPicture
from lynx.data.overlap.hashing import (
    colours_of,
    distances,
    hashed_parts,
    hashes_of,
    least_distances,
)
from lynx.data.overlap.ids import Aliases, picture_id
from lynx.data.overlap.picture_hash import State, colour_difference
from lynx.data.sample import UnreadableSampleError
from lynx.data.shards.reading import ShardedSource

# Bits of 64. Measured: copies as JPEG of quality 40, or four times smaller, differ by at most 4 if
# the picture has a photograph's spectrum; of clip art (tuxpaint-stamps-default) 3 to 20 % of the
# copies differ by more. Unrelated pictures: at least 14 (45,000 pairs) and 10 (31,000 of clip art).
MAX_DISTANCE = 4
# `colour_difference`. The hash knows only coarse light and dark: of 8,400 rows of the desk world,
# 188 drawings are within 4 bits of a benchmark's, in other colours. These differ by 0.42 and more,
# the copies with a photograph's spectrum by at most 0.38.
MAX_COLOUR_DIFFERENCE = 0.4


class Hit(NamedTuple):
    """A training row whose picture is the benchmark's picture `benchmark`.

    distance: bits in which the pictures' hashes differ; None where the ids are the same.
    """

    row: int
    key: str
    benchmark: str
    by: Literal["id", "picture"]
    distance: int | None = None


@dataclass(frozen=True)
class SourceOverlap:
    """What was found in one source; hits by row, each row once, an id before a hash.

    num_with_id: rows whose key tells which picture it is. states: number of rows by what became of
    their first picture (`State`); empty where the benchmark has no picture to compare with.
    """

    source: str
    fingerprint: str
    num_rows: int
    num_with_id: int
    states: Mapping[State, int]
    hits: tuple[Hit, ...]

    @property
    def num_hashed(self) -> int:
        """Rows whose pictures were compared with the benchmark's."""
        return self.states.get(State.HASHED, 0)


@dataclass(frozen=True)
class OverlapReport:
    """What a benchmark and some sources have in common.

    num_pictures: of the benchmark; num_with_id: of these, whose name tells an id; num_at_hand:
    whose pictures are there; num_unusable: of these, too plain to be told apart, or undecodable.
    by_id_alone: names of those that have an id and no usable picture; not_compared: of those that
    have neither, so that nothing was looked for.
    """

    num_pictures: int
    num_with_id: int
    num_at_hand: int
    num_unusable: int
    by_id_alone: tuple[str, ...]
    not_compared: tuple[str, ...]
    max_distance: int
    sources: tuple[SourceOverlap, ...]


class _Hashes(NamedTuple):
    values: np.ndarray  # uint64
    pictures: Sequence[BenchmarkPicture]  # that each is of
    num_unusable: int


def check_overlap(
    sources: Mapping[str, ShardedSource],
    benchmark: Sequence[BenchmarkPicture],
    *,
    cache_dir: Path,
    max_distance: int = MAX_DISTANCE,
    aliases: Aliases | None = None,
    num_processes: int = 1,
    progress: bool = True,
) -> OverlapReport:
    """Find the rows of each source whose picture is one of the benchmark's.

    cache_dir: keeps hashes of the sources' pictures, so that the next benchmark is quick.
    max_distance: bits of 64 in which hashes of the same picture may differ; its coarse colours may
    differ by MAX_COLOUR_DIFFERENCE. aliases: see
    `read_aliases`. LynxError where nothing can be compared: no picture of the benchmark has an id
    or is at hand, or they have ids alone and no row has any.
    """
    ids = {picture.id: picture.name for picture in benchmark if picture.id is not None}
    hashes = _benchmark_hashes(benchmark)
    with_look = set(map(id, hashes.pictures))  # by object: frames are megabytes to hash
    blind = [picture for picture in benchmark if id(picture) not in with_look]
    not_compared = tuple(picture.name for picture in blind if picture.id is None)
    if len(not_compared) == len(benchmark):
        raise LynxError(
            f"none of the benchmark's {len(benchmark)} pictures can be compared, such as "
            f"{not_compared[0]}: they are not at the paths its file gives, from the file's folder, "
            "or of one colour or undecodable, and no id is known by their names and "
            "`origin_dataset`"
        )
    found: list[SourceOverlap] = []
    for source in sources.values():
        hits, num_with_id = _by_id(source, ids, aliases or {}, progress=progress)
        states: Counter[State] = Counter()
        if len(hashes.values):
            parts = hashed_parts(source, cache_dir, num_processes=num_processes, progress=progress)
            for hit in _by_hash(source, hashes, parts, max_distance, states):
                hits.setdefault(hit.row, hit)
        in_order = tuple(hits[row] for row in sorted(hits))
        found.append(
            SourceOverlap(
                source.name, source.fingerprint, len(source), num_with_id, dict(states), in_order
            )
        )
    if not len(hashes.values) and not any(one.num_with_id for one in found):
        raise LynxError(
            f"nothing could be compared: of the benchmark's {len(benchmark)} pictures only ids are "
            f"at hand, and no row of {', '.join(sources)} has an id in its key; put the pictures "
            "at the paths that the benchmark's file gives, from its folder"
        )
    return OverlapReport(
        num_pictures=len(benchmark),
        num_with_id=sum(picture.id is not None for picture in benchmark),
        num_at_hand=sum(bool(picture.images or picture.video) for picture in benchmark),
        num_unusable=hashes.num_unusable,
        by_id_alone=tuple(picture.name for picture in blind if picture.id is not None),
        not_compared=not_compared,
        max_distance=max_distance,
        sources=tuple(found),
    )


def _benchmark_hashes(benchmark: Sequence[BenchmarkPicture]) -> _Hashes:
    values: list[int] = []
    pictures: list[BenchmarkPicture] = []
    num_unusable = 0
    for picture in benchmark:
        hashed = hashes_of(picture.images, picture.video)
        usable = [value for value, state in hashed if state == State.HASHED]
        num_unusable += bool(hashed) and not usable
        values += usable
        pictures += [picture] * len(usable)
    return _Hashes(np.array(values, dtype=np.uint64), pictures, num_unusable)


def _by_id(
    source: ShardedSource, ids: Mapping[tuple[str, str], str], aliases: Aliases, *, progress: bool
) -> tuple[dict[int, Hit], int]:
    """Hits by row, and the number of rows with an id."""
    hits: dict[int, Hit] = {}
    num_with_id = 0
    title, console = f"reading keys of {source.name}", Console(stderr=True)
    rows = range(len(source)) if ids else range(0)
    for row in track(rows, title, console=console, disable=not progress, transient=True):
        try:
            key, _ = source.read_members(row)
        except UnreadableSampleError:
            continue  # training doesn't read it either
        found = picture_id(source.name, key)
        if found is None:
            continue
        num_with_id += 1
        name = ids.get(found) or ids.get(aliases.get(found, found))
        if name is not None:
            hits[row] = Hit(row, key, name, "id")
    return hits, num_with_id


def _by_hash(
    source: ShardedSource,
    hashes: _Hashes,
    parts: Iterator[tuple[int, np.ndarray]],
    max_distance: int,
    states: Counter[State],
) -> Iterator[Hit]:
    """Hits in the parts; counts in `states` what became of each row's first picture."""
    for start, rows in parts:
        numbers, counts = np.unique(rows["state"][:, 0], return_counts=True)
        states.update({State(n): int(c) for n, c in zip(numbers, counts, strict=True)})
        near = least_distances(rows, hashes.values) <= max_distance
        for within in np.flatnonzero(near).tolist():
            apart = distances(rows[within], hashes.values)
            candidates = np.flatnonzero(apart <= max_distance)
            sample = source.read(start + within)
            own = colours_of(sample.images, sample.video)
            for index in candidates[np.argsort(apart[candidates], kind="stable")].tolist():
                picture = hashes.pictures[index]
                if _same_colours(own, colours_of(picture.images, picture.video)):
                    name, bits = picture.name, int(apart[index])
                    yield Hit(start + within, sample.key, name, "picture", bits)
                    break


def _same_colours(some: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> bool:
    return any(
        colour_difference(one, other) <= MAX_COLOUR_DIFFERENCE for one in some for other in others
    )
