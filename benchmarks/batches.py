"""Sections `batches` and `broken`: whole micro batches against bare decoding, damaged pictures."""

from __future__ import annotations

import io
import json
import logging
import math
import random
from collections.abc import Callable
from fractions import Fraction
from itertools import count
from pathlib import Path

import numpy as np
import webdataset
from PIL import Image

from benchmarks.inputs import (
    CROPPED_SIZE,
    MICRO_BATCH_SIZE,
    PICTURE_SIZE,
    micro_batches_of,
    pictures,
    tokenizer_in,
    write_source,
)
from benchmarks.measuring import Report, Size, in_turns, microseconds, ratio
from lynx.data.module import LynxDataModule
from lynx.data.quarantine import Quarantine
from lynx.data.shards.reading import ShardedSource
from lynx.data.stream import MixPlan

QUALITY = 90  # about 32 kB, as heavier pictures of the web
BROKEN_SHARE = 0.01

Box = tuple[float, float, float, float]


def batches(root: Path, size: Size, report: Report) -> None:
    """Draw, read, decode, crop, normalise, encode and pack, against Pillow in a loop."""
    images = pictures(size.num_pictures, quality=QUALITY)
    num_samples = size.num_batches * MICRO_BATCH_SIZE
    source = write_source(root / "web", images, num_samples=num_samples, samples_per_shard=1000)
    plan = MixPlan(weights={"web": 1.0}, sizes={"web": num_samples}, seed=0, name="pretrain")
    made, _ = micro_batches_of(plan, [source], tokenizer_in(root / "tokenizer"))
    rng = random.Random(0)
    boxes = [_box(rng) for _ in range(num_samples)]
    urls = [str(path) for path in sorted((root / "web").glob("*.tar"))]

    def bare() -> int:
        for number, box in enumerate(boxes):
            _decoded(images[number % len(images)], box)
        return num_samples

    def iterated() -> int:
        found = zip(webdataset.WebDataset(urls, shardshuffle=False), boxes, strict=True)
        for sample, box in found:
            _decoded(sample["jpg"], box)
        return num_samples

    def whole() -> int:
        for index in range(size.num_batches):
            made.micro_batch(index)
        return num_samples

    rivals: dict[str, Callable[[], int]] = {"Pillow": bare, "webdataset + Pillow": iterated}
    times = in_turns(rivals | {"lynx": whole}, rounds=size.rounds)
    report.fact(f"a sample of {PICTURE_SIZE} px: {microseconds(times)}")
    share = ratio(times, "Pillow", "lynx")
    report.check(
        f"whole float32 micro batches at {100 * share:.0f} % of the bare loop to uint8",
        target="80 %",
        reached=share >= 0.8,
    )
    beside = ratio(times, "webdataset + Pillow", "lynx")
    report.fact(f"at {100 * beside:.0f} % of webdataset with the same decoding and no more")


def _box(rng: random.Random) -> Box:
    """A square of 90 to 100 % of the picture's area."""
    side = round(PICTURE_SIZE * math.sqrt(rng.uniform(0.9, 1)))
    left, upper = (rng.randint(0, PICTURE_SIZE - side) for _ in range(2))
    return left, upper, left + side, upper + side


def _decoded(jpeg: bytes, box: Box) -> np.ndarray:
    image = Image.open(io.BytesIO(jpeg)).convert("RGB")
    size = (CROPPED_SIZE, CROPPED_SIZE)
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC, box=box))


def broken(root: Path, size: Size, report: Report) -> None:
    """A pass over two sources, one of which has 1 % of pictures that end in the middle."""
    logging.getLogger("lynx.data.module").setLevel(logging.ERROR)
    images = pictures(size.num_pictures, quality=QUALITY)
    steps = 3 * size.num_batches
    num_rows = steps * MICRO_BATCH_SIZE // 3
    num_broken = max(1, round(BROKEN_SHARE * 2 * num_rows))
    rows = set(random.Random(1).sample(range(2 * num_rows), num_broken))
    other = write_source(root / "books", images, num_samples=num_rows, samples_per_shard=1000)
    stages: dict[str, LynxDataModule] = {}
    for name, damaged in (("whole", set()), ("damaged", rows)):
        web = write_source(
            root / name / "web",
            images,
            num_samples=2 * num_rows,
            samples_per_shard=1000,
            broken=damaged,
        )
        stages[name] = _stage(root, [web, other], steps)
    numbers, written = count(), dict[str, Path]()

    def run(name: str) -> int:
        data = stages[name]
        data.load_state_dict({**data.state_dict(), "consumed_samples": 0, "tally": _EMPTY})
        path = root / f"{name}{next(numbers)}.jsonl"
        data.quarantine, written[name] = Quarantine(path), path
        return sum(batch.num_samples for batch in data.train_dataloader())

    times = in_turns({name: lambda name=name: run(name) for name in stages}, rounds=size.rounds)
    loss = 1 - 1 / ratio(times, "damaged", "whole")
    total, data = steps * MICRO_BATCH_SIZE, stages["damaged"]
    found = [json.loads(line)["row"] for line in written["damaged"].read_text().splitlines()]
    exact = data.realised_mix().samples == data.planned_mix(total)
    report.fact(f"a sample: {microseconds(times)}")
    report.check(
        f"{num_broken} of {2 * num_rows} pictures broken, {len(found)} found: the sources "
        f"came {data.realised_mix().samples}",
        target="all found, counts exact",
        reached=exact and sorted(found) == sorted(rows),
    )
    report.check(f"throughput lost: {100 * loss:.1f} %", target="5 %", reached=loss < 0.05)


_EMPTY = {"samples": [0, 0], "tokens": [0, 0], "places": 0}


def _stage(root: Path, sources: list[ShardedSource], steps: int) -> LynxDataModule:
    """One pass over both sources."""
    sizes = {source.name: len(source) for source in sources}
    weights = {name: Fraction(number) for name, number in sizes.items()}
    plan = MixPlan(weights=weights, sizes=sizes, seed=0, name="pretrain")
    made, share = micro_batches_of(plan, sources, tokenizer_in(root / "tokenizer"))
    return LynxDataModule(
        micro_batches=made,
        plan=plan,
        share=share,
        steps=steps,
        sizes=sizes,
        identity={},
        num_workers=0,
        max_failures_per_source=2 * BROKEN_SHARE,
    )
