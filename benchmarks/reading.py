"""Sections `reads` and `index`: single samples against webdataset, and a source of 120M rows."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import webdataset

from benchmarks.inputs import pictures, write_source
from benchmarks.measuring import Report, Size, in_turns, microseconds, ratio, spread
from lynx.data.sample import Round, Sample
from lynx.data.shards.manifest import MANIFEST
from lynx.data.shards.reading import ShardedSource
from lynx.data.shards.writing import write_shards

QUALITIES = {20: 72, 33: 90}  # of JPEG, by the kB that a picture then has
FASTER = 10  # times webdataset
ROWS_PER_SHARD = 10_000
_BUFFER = 1000  # samples that webdataset shuffles


def reads(root: Path, size: Size, report: Report) -> None:
    """Keys and bytes of all members of a sample, in order and shuffled; no decoding."""
    for kilobytes, quality in QUALITIES.items():
        images = pictures(size.num_pictures, quality=quality)
        mean = sum(map(len, images)) / len(images) / 1000
        folder = root / f"pictures_{kilobytes}"
        source = write_source(folder, images, num_samples=size.num_samples, samples_per_shard=1000)
        times = in_turns(_readers(source, folder), rounds=size.rounds)
        report.fact(f"a picture and its text, {mean:.1f} kB: {microseconds(times)}")
        for order in ("in order", "shuffled"):
            found = ratio(times, f"webdataset {order}", f"lynx {order}")
            report.check(
                f"{mean:.0f} kB, {order}: {found:.1f} times webdataset's iterator",
                target=f"{FASTER} times",
                reached=found >= FASTER,
            )


def _readers(source: ShardedSource, folder: Path) -> dict[str, Callable[[], int]]:
    urls = [str(path) for path in sorted(folder.glob("*.tar"))]
    ordered = range(len(source))
    shuffled = random.Random(0).sample(ordered, len(source))

    def lynx(rows: Iterable[int]) -> int:
        for row in rows:
            source.read_members(row)
        return len(source)

    def iterated(buffer: int) -> int:
        dataset = webdataset.WebDataset(urls, shardshuffle=False)
        number = sum(1 for _ in dataset.shuffle(buffer))
        assert number == len(source)
        return number

    spans: list[tuple[int, int, int]] = []  # what `os.pread` takes
    for path in urls:
        descriptor = os.open(path, os.O_RDONLY)
        rows = np.load(path.removesuffix("tar") + "npy").tolist()
        spans += [(descriptor, size, offset) for offset, size, *_ in rows]

    def copied() -> int:
        for row in shuffled:
            os.pread(*spans[row])
        return len(spans)

    return {
        "the system's copy alone, shuffled": copied,
        "webdataset in order": lambda: iterated(0),
        "webdataset shuffled": lambda: iterated(_BUFFER),
        "lynx in order": lambda: lynx(ordered),
        "lynx shuffled": lambda: lynx(shuffled),
    }


def index(root: Path, size: Size, report: Report) -> None:
    """A source of as many rows as the paper has pairs: one real shard under many names."""
    folder = root / "synthetic"
    _write_linked_shards(folder, size.num_shards)
    wall, cpu = [], []
    for _ in range(size.rounds):
        began, began_cpu = time.perf_counter(), time.process_time()
        source = ShardedSource(folder)
        wall.append(time.perf_counter() - began)
        cpu.append(time.process_time() - began_cpu)
    rows = f"{len(source) / 1e6:.1f}M rows in {size.num_shards} shards"
    report.check(
        f"{rows} open in {spread(wall)}, {spread(cpu)} of CPU",
        target="1 s",
        reached=sorted(wall)[len(wall) // 2] < 1,
    )
    before, after, files, per_read = _in_a_fork(source, 2 * size.num_draws)
    report.check(
        f"a forked worker has {after / 1e6:.1f} MB of its own after {2 * size.num_draws} reads at "
        f"random ({before / 1e6:.1f} MB before)",
        target="200 MB",
        reached=after < 200e6,
    )
    report.check(f"it has {files} files open", target="1024, the usual limit", reached=files < 1024)
    report.fact(f"a read of a tiny sample, each from another shard: {per_read * 1e6:.1f} us of CPU")


def _write_linked_shards(folder: Path, num_shards: int) -> None:
    """One file takes the disk space of all; its rows are read and compared like any others."""
    samples = (
        Sample(f"{row:05d}", folder.name, "text", (Round({"text": "why"}, "because"),))
        for row in range(ROWS_PER_SHARD)
    )
    manifest = write_shards(
        samples,
        folder,
        source=folder.name,
        samples_per_shard=ROWS_PER_SHARD,
        licence="none",
        builder="benchmarks",
    )
    first = manifest.shards[0]
    shards = [first]
    for number in range(1, num_shards):
        name = f"{folder.name}-{number:06d}.tar"
        shards.append(replace(first, file=name, sha256=f"{number:064x}"))
        os.link(folder / first.file, folder / name)
        os.link(folder / first.index_file, folder / shards[-1].index_file)
    content = replace(manifest, shards=tuple(shards)).as_json()
    (folder / MANIFEST).write_text(json.dumps(content))


def _in_a_fork(source: ShardedSource, num_reads: int) -> tuple[int, int, int, float]:
    """Private bytes before and after the reads, files open after them, CPU seconds of a read."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            rng, before, began = random.Random(0), _private_bytes(), time.process_time()
            for _ in range(num_reads):
                source.read_members(rng.randrange(len(source)))
            seconds = (time.process_time() - began) / num_reads
            found = (before, _private_bytes(), len(os.listdir("/proc/self/fd")), seconds)
            os.write(writing, json.dumps(found).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as stream:
        text = stream.read()
    os.waitpid(child, 0)
    if not text:
        raise RuntimeError("the forked worker could not read the synthetic source")
    before, after, files, seconds = json.loads(text)
    return before, after, files, seconds


def _private_bytes() -> int:
    """Memory that no other process shares."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_"))
