"""Tiny checkpoints of all families, made once, and baselines of `baselines/` that point at them."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from transformers.utils import logging

from lynx.baselines.adapters.base import Adapter
from lynx.baselines.known import Baseline, load_baseline
from lynx.baselines.loading import load_adapter
from lynx.config.seeds import python_random
from lynx.evaluation.questions import Question
from tests.baselines.families import CHAT_TEMPLATE, FAMILIES, write_llava

# The baseline that is asked, by the tiny model that is.
ASKED_AS = {
    "blip2": "blip2",
    "blip2_t5": "blip2",
    "instructblip": "instructblip",
    "instructblip_vicuna": "instructblip_vicuna_7b",
    "llava": "llava_1_5",
    "idefics": "idefics_9b_instruct",
    "chat": "chat",
}
SHORT = {"max_new_tokens": 8}
BEAMS = {**SHORT, "num_beams": 5, "top_p": 1.0, "top_k": 1, "length_penalty": -2.0,
         "no_repeat_ngram_size": 2, "do_sample": False}  # fmt: skip
GREEDY = {**BEAMS, "num_beams": 1, "no_repeat_ngram_size": 0}
DRAWN = {**SHORT, "num_beams": 1, "top_p": 0.9, "top_k": 3, "length_penalty": 1.0,
         "no_repeat_ngram_size": 3, "do_sample": True}  # fmt: skip
DRAWN_BEAMS = {**DRAWN, "num_beams": 3}
ROWS = {"greedy": GREEDY, "beams": BEAMS, "drawn": DRAWN, "drawn_beams": DRAWN_BEAMS}


@pytest.fixture(scope="session", autouse=True)
def quiet() -> Iterator[None]:
    """transformers draws bars while it loads and saves."""
    logging.disable_progress_bar()
    yield
    logging.enable_progress_bar()


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny model, made when first asked for."""
    root = tmp_path_factory.mktemp("checkpoints")

    def folder(family: str) -> Path:
        if family == "chat" and not (root / family).exists():
            return write_llava(root / family, chat_template=CHAT_TEMPLATE)
        return root / family if (root / family).exists() else FAMILIES[family](root / family)

    return folder


@pytest.fixture(scope="session")
def baseline_of(checkpoints: Callable[[str], Path]) -> Callable[..., Baseline]:
    """The known baseline of a family, asked of the tiny model; changes: other fields."""

    def baseline(family: str, **changes: Any) -> Baseline:
        known = load_baseline(ASKED_AS[family])
        return dataclasses.replace(known, checkpoint=str(checkpoints(family)), **changes)

    return baseline


@pytest.fixture(scope="session")
def adapter_of(baseline_of: Callable[..., Baseline]) -> Callable[..., Adapter]:
    """The tiny model of a family, ready to be asked."""
    made: dict[Any, Adapter] = {}

    def adapter(family: str, **changes: Any) -> Adapter:
        key = (family, repr(changes))
        if key not in made:
            baseline = baseline_of(family, **changes)
            made[key] = load_adapter(
                baseline, Path(baseline.checkpoint), device=torch.device("cpu"), dtype=torch.float32
            )
        return made[key]

    return adapter


def noise(seed: int, *, size: tuple[int, int] = (20, 30)) -> bytes:
    """A picture of random pixels."""
    stream = io.BytesIO()
    pixels = python_random(seed, "baselines").randbytes(3 * size[0] * size[1])
    Image.frombytes("RGB", size, pixels).save(stream, "PNG")
    return stream.getvalue()


def question(index: int, text: str = "what color is the thing?", **changes: Any) -> Question:
    """A question about a picture of its own."""
    values = {"index": index, "id": f"q{index}", "category": "Color", "question": text,
              "answer": "red", "kind": "image", "images": (noise(index),)}  # fmt: skip
    return Question(**{**values, **changes})


def video(index: int, *, num_frames: int = 5) -> Question:
    """A question about a video of random frames."""
    frames = tuple(noise(100 * index + frame) for frame in range(num_frames))
    return question(index, kind="video", images=frames)
