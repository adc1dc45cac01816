"""Hashes the pictures of a source once, on several processes, into a cache that can be resumed."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from lynx.data.overlap.benchmark import compared_pictures
from lynx.data.overlap.picture_hash import METHOD, State, colours, picture_hash, video_hash
from lynx.data.sample import UnreadableSampleError
from lynx.data.shards.reading import ShardedSource
from lynx.tracking.files import write_bytes_atomic

PART = 10_000  # rows of a file of the cache
SLOTS = 2  # hashes per row; see `compared_pictures`
ROW = np.dtype([("hash", "<u8", (SLOTS,)), ("state", "u1", (SLOTS,))])
_MOST_COMPARED = 1 << 22  # hashes with hashes at a time: 36 MB


def hashed_parts(
    source: ShardedSource, cache_dir: Path, *, num_processes: int, progress: bool = True
) -> Iterator[tuple[int, np.ndarray]]:
    """First row and hashes (ROW) of each PART of the source, in order.

    The cache is of the shards' content: the same source elsewhere, or under another recipe, is not
    hashed again, and work that was broken off goes on. 18 bytes per row.
    """
    folder = cache_dir / f"{METHOD}-{source.fingerprint}"
    starts = range(0, len(source), PART)
    missing = [start for start in starts if not _path(folder, start).exists()]
    _hash_parts(source, folder, missing, num_processes, progress=progress)
    for start in starts:
        yield start, np.load(_path(folder, start))


def least_distances(rows: np.ndarray, benchmark: np.ndarray) -> np.ndarray:
    """For each row (ROW), bits between its hashes and the most alike of `benchmark`'s (uint64).

    255 where the row has no hash. Some 100 million comparisons per second.
    """
    least = np.full(len(rows), 255, np.uint8)
    step = max(_MOST_COMPARED // max(len(benchmark), 1), 1)
    for slot in range(SLOTS if len(benchmark) else 0):
        usable = np.flatnonzero(rows["state"][:, slot] == State.HASHED)
        for begin in range(0, len(usable), step):
            which = usable[begin : begin + step]
            apart = np.bitwise_count(rows["hash"][which, slot, None] ^ benchmark[None, :])
            least[which] = np.minimum(least[which], apart.min(axis=1))
    return least


def distances(row: np.void, benchmark: np.ndarray) -> np.ndarray:
    """Bits between the hashes of one row (ROW) and each of `benchmark`'s; 255 without a hash."""
    usable = row["hash"][row["state"] == State.HASHED]
    apart = np.bitwise_count(usable[:, None] ^ benchmark[None, :])
    return apart.min(axis=0, initial=255)


def hash_rows(source: ShardedSource, start: int, stop: int) -> np.ndarray:
    """Hashes (ROW) of the rows; the questions about one picture or video hash it once."""
    rows = np.zeros(stop - start, dtype=ROW)
    last: tuple[tuple[bytes, ...], bytes | None] | None = None
    for index in range(stop - start):
        try:
            sample = source.read(start + index)
        except UnreadableSampleError:
            rows[index]["state"][0] = State.UNREADABLE
            last = None
            continue
        if (sample.images, sample.video) == last:
            rows[index] = rows[index - 1]
            continue
        last = (sample.images, sample.video)
        for slot, (value, state) in enumerate(hashes_of(sample.images, sample.video)):
            rows[index]["hash"][slot], rows[index]["state"][slot] = value, state
    return rows


def hashes_of(images: Sequence[bytes], video: bytes | None) -> list[tuple[int, State]]:
    """At most SLOTS hashes of a sample's pictures, or of its video file."""
    if video is not None:
        return [video_hash(video)]
    return [picture_hash(picture) for picture in compared_pictures(images)]


def colours_of(images: Sequence[bytes], video: bytes | None) -> list[np.ndarray]:
    """`colours` of the same pictures; they must be ones that could be hashed."""
    if video is not None:
        from lynx.data.video import decode_frames  # FFmpeg is slow to load

        return [colours(frame) for frame in decode_frames(video, num_frames=1, rng=None)]
    return [colours(Image.open(io.BytesIO(one))) for one in compared_pictures(images)]


def _hash_parts(
    source: ShardedSource,
    folder: Path,
    starts: Sequence[int],
    num_processes: int,
    *,
    progress: bool,
) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    bar = Progress(*columns, TimeRemainingColumn(), console=console, disable=not progress)
    with bar:
        task = bar.add_task(f"hashing {source.name} (10,000 rows each)", total=len(starts))
        if num_processes <= 1 or len(starts) <= 1:
            for start in starts:
                _hash_part(source, folder, start)
                bar.advance(task)
            return
        with ProcessPoolExecutor(min(num_processes, len(starts))) as pool:
            for done in as_completed(
                [pool.submit(_hash_part, source, folder, start) for start in starts]
            ):
                done.result()
                bar.advance(task)


def _hash_part(source: ShardedSource, folder: Path, start: int) -> None:
    stream = io.BytesIO()
    np.save(stream, hash_rows(source, start, min(start + PART, len(source))))
    write_bytes_atomic(_path(folder, start), stream.getvalue())


def _path(folder: Path, start: int) -> Path:
    return folder / f"{start:012d}.npy"
