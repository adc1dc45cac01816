"""Caption losses pair every sample with its own picture and with another's."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image
from transformers import AutoTokenizer

from lynx.data.batch import Batch
from lynx.data.prompts import load_pool
from lynx.data.sample import Round, Sample
from lynx.data.text import IGNORED
from lynx.evaluation.caption_loss import CaptionLosses, Scorer, caption_losses
from lynx.evaluation.statistics import paired_mean
from lynx.world.pictures import encode_png
from tests.tiny import write_tokenizer

NUM = 16  # one forward pass: the model below knows a sample by its place in it


def _samples() -> list[Sample]:
    return [
        Sample(
            key=str(number),
            source="plain",
            kind="image",
            rounds=(Round({}, " ".join(["red"] * (1 + number % 3))),),
            images=(encode_png(Image.new("RGB", (28, 28), (number * 12, 0, 0))),),
        )
        for number in range(NUM)
    ]


def _looking(batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """A model whose loss is the distance of the picture's red from the sample's number."""
    targets = batch.labels[:, 1:] != IGNORED
    numbers = batch.source_ids[:, 1:][targets]
    red = batch.pixel_values[:, 0].mean((1, 2)) * 0.26862954 + 0.48145466
    losses = (red[numbers] * 255 / 12 - numbers).abs()
    return losses, numbers


def _losses(model: Scorer, folder: Path) -> CaptionLosses:
    write_tokenizer(folder)
    return caption_losses(
        model,
        _samples(),
        pool=load_pool("caption_brief"),
        tokenizer=AutoTokenizer.from_pretrained(folder),
        image_size=28,
        num_queries=4,
        seed=0,
    )


def test_a_model_that_looks_has_a_lower_loss_with_the_right_picture(tmp_path: Path) -> None:
    found = _losses(_looking, tmp_path)
    assert found.num_samples == NUM
    assert found.right < 0.6
    assert found.swapped > 2
    assert found.difference.interval.low > 0


def test_a_model_that_does_not_look_has_no_difference(tmp_path: Path) -> None:
    def blind(batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        losses, numbers = _looking(batch)
        return torch.ones_like(losses), numbers

    assert _losses(blind, tmp_path).difference.value == 0


def test_the_paired_mean_has_the_interval_of_students_test() -> None:
    found = paired_mean([1.0, 2.0, 3.0, 4.0])
    assert found.value == 2.5
    assert found.interval.low == pytest.approx(0.4457, abs=1e-4)
