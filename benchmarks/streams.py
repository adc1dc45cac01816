"""Sections `stream` and `packing`: the order of samples, and how full packed rows are."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import get_args

import torch

from benchmarks.inputs import NUM_QUERIES
from benchmarks.measuring import Report, Size, in_turns, microseconds, spread
from lynx.config.recipe_files import load_recipe
from lynx.data import stream as streams
from lynx.data.batch import Document, collate
from lynx.data.packing import Packing
from lynx.data.stream import MixPlan
from lynx.data.text import Encoded

FAR = 10**9  # position
ROW_LENGTHS = (512, 1024)
MICRO_BATCH_SIZES = (48, 256)


def stream(root: Path, size: Size, report: Report) -> None:
    """Positions of the paper's `instruct` recipe, 32 sources of a million rows."""
    weights = load_recipe("instruct").weights

    def made() -> MixPlan:
        sizes = dict.fromkeys(weights, 1_000_000)
        return MixPlan(weights=weights, sizes=sizes, seed=0, name="instruct")

    first, seeks = [], []
    for number in range(size.rounds):
        for cache in (streams._even_cycle, streams._shuffled_cycle, streams._permutation_key):
            cache.cache_clear()
        began = time.perf_counter()
        plan = made()
        plan.draw(0)
        first.append(time.perf_counter() - began)
        began = time.perf_counter()
        plan.draw(FAR + number)
        seeks.append(time.perf_counter() - began)
    report.fact(f"a new plan and its first draw, once in a process: {spread(first)}")
    report.check(
        f"the draw at position {FAR}: {spread(seeks)}", target="50 ms", reached=median(seeks) < 0.05
    )

    def draws() -> int:
        for position in range(size.num_draws):
            plan.draw(position)
        return size.num_draws

    times = in_turns({"lynx": draws}, rounds=size.rounds)
    report.fact(f"a draw: {microseconds(times)}, {1 / median(times['lynx']):.0f} positions/s")


def packing(root: Path, size: Size, report: Report) -> None:
    """Padding of the rows that `collate` makes: 32 vision tokens and a text of random length."""
    for name, length in LENGTHS.items():
        for pack_length in ROW_LENGTHS:
            for number in MICRO_BATCH_SIZES:
                waste = {
                    packing: _waste(length, pack_length, packing, number, 20 * size.num_batches)
                    for packing in get_args(Packing)
                }
                report.check(
                    f"{name}, rows of {pack_length}, micro batches of {number}: "
                    + ", ".join(f"{packing} {100 * w:.1f} %" for packing, w in waste.items())
                    + " padding",
                    target="5 % balanced",
                    reached=waste["balanced"] < 0.05,
                )


def _visual_question(rng: random.Random) -> int:
    """Mean 16: a short question, a word or two."""
    return max(3, round(rng.lognormvariate(2.69, 0.4)))


def _mixture(rng: random.Random) -> int:
    """70 % questions, 25 % captions, 5 % long dialogues (cut where a stage cuts them)."""
    kind = rng.random()
    if kind < 0.7:
        return _visual_question(rng)
    if kind < 0.95:
        return rng.randint(5, 60)
    return min(256, round(rng.lognormvariate(5.5, 0.5)))


LENGTHS: dict[str, Callable[[random.Random], int]] = {
    "uniform 5-60": lambda rng: rng.randint(5, 60),
    "questions, mean 16": _visual_question,
    "mixture": _mixture,
}


def _waste(
    length: Callable[[random.Random], int],
    pack_length: int,
    packing: Packing,
    number: int,
    num_batches: int,
) -> float:
    """Share of places that are padding."""
    rng, frame = random.Random(0), torch.zeros(1, 3, 1, 1)
    used = places = 0
    for _ in range(num_batches):
        texts = [length(rng) for _ in range(number)]
        documents = [
            Document(frame, Encoded([1] * text, [1] * text), 0, position)
            for position, text in enumerate(texts)
        ]
        batch = collate(
            documents,
            pack_length=pack_length,
            packing=packing,
            num_queries=NUM_QUERIES,
            image_size=1,
            pad_token_id=0,
        )
        used += int((batch.source_ids >= 0).sum())
        places += batch.source_ids.numel()
    return 1 - used / places
