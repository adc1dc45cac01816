"""Build the world's shards and benchmark once, deterministically, into a cache folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from difflib import get_close_matches
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from lynx.config.errors import LynxError
from lynx.config.seeds import python_random
from lynx.data.sample import Sample
from lynx.data.shards.manifest import FORMAT
from lynx.data.shards.writing import write_shards
from lynx.tracking.files import locked, write_text_atomic
from lynx.world.datasets import DATASETS
from lynx.world.evaluation import Kind, draw_questions, from_json_lines, to_json_lines
from lynx.world.pictures import encode_png

_SEED = 0  # the world's data are the same for every run; a run's seed only orders them
_SAMPLES_PER_SHARD = 1000
_LICENCE = "Apache-2.0 (procedural, made by lynx.world)"


@cache
def fingerprint() -> str:
    """Twelve hex digits of the world's code, of Pillow and of the shards' format."""
    digest = hashlib.sha256(f"{version('pillow')} {FORMAT}".encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def build_catalog(
    cache_dir: str | Path, sources: Iterable[str], *, progress: bool = True
) -> dict[str, Path]:
    """Folder of shards of each source; what is missing is built, on all cores.

    Raises LynxError where the world has no counterpart of a source.
    """
    root = Path(cache_dir) / f"world-{fingerprint()}"
    catalog = {source: root / source for source in sources}
    for source in catalog:
        if source not in DATASETS:
            near = get_close_matches(source, DATASETS, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise LynxError(f"the desk world has no source '{source}'{hint}")
    if _missing(catalog):
        with locked(root / ".lock", waiting=print):  # two processes would each build all of it
            _build(_missing(catalog), progress=progress)
    return catalog


def _missing(catalog: dict[str, Path]) -> dict[str, Path]:
    return {source: folder for source, folder in catalog.items() if not folder.exists()}


def _build(missing: dict[str, Path], *, progress: bool) -> None:
    if not missing:  # another process has built them
        return
    largest_first = sorted(missing, key=lambda source: -_cost(source))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    total = sum(DATASETS[source].num_samples for source in missing)
    with (
        Progress(*columns, TimeRemainingColumn(), disable=not progress) as bar,
        ProcessPoolExecutor(min(len(missing), os.cpu_count() or 1)) as pool,
    ):
        task = bar.add_task("building the desk world", total=total)
        futures = {pool.submit(_write_source, name, missing[name]): name for name in largest_first}
        for future in as_completed(futures):
            future.result()
            bar.advance(task, DATASETS[futures[future]].num_samples)


def _cost(source: str) -> int:
    frames = {"image": 1, "video": 5, "text": 0}[DATASETS[source].kind]
    return DATASETS[source].num_samples * frames


def _write_source(source: str, folder: Path) -> None:
    write_shards(
        draw_samples(source),
        folder,
        source=source,
        samples_per_shard=_SAMPLES_PER_SHARD,
        licence=_LICENCE,
        builder=f"lynx.world {fingerprint()}",
    )


def draw_samples(source: str) -> Iterator[Sample]:
    """All samples of the source, in order; the same on every machine with the same Pillow."""
    dataset = DATASETS[source]
    rng = python_random(_SEED, "world", source)
    for index in range(dataset.num_samples):
        rounds, images = dataset.make(rng)
        while not rounds:  # the scene gave no occasion for any of the source's questions
            rounds, images = dataset.make(rng)
        yield Sample(
            key=f"{index:06d}",
            source=source,
            kind=dataset.kind,
            rounds=rounds,
            images=tuple(encode_png(image) for image in images),
        )


def evaluation_questions(kind: Kind, cache_dir: str | Path) -> list[dict[str, Any]]:
    """The benchmark's questions: dicts of id, category, question, answer, kind, images (PNG)."""
    path = Path(cache_dir) / f"world-{fingerprint()}" / f"open_vqa_{kind}.jsonl"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text_atomic(path, to_json_lines(draw_questions(kind)))
    return from_json_lines(path)
