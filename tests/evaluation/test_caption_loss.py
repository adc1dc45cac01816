"""Caption losses pair every sample with its own picture and with another's."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image
from transformers import AutoTokenizer

from lynx.config.errors import LynxError
from lynx.config.prompt_pools import load_pool
from lynx.data.batch import Batch
from lynx.data.sample import Round, Sample
from lynx.data.text import IGNORED
from lynx.evaluation.caption_loss import CaptionLosses, Scorer, caption_losses
from lynx.evaluation.statistics import paired_mean
from lynx.world.pictures import encode_png
from tests.tiny import write_tokenizer

NUM = 16  # one forward pass: the model below knows a sample by its place in it


def _samples(shades: int = NUM) -> list[Sample]:
    return [
        Sample(
            key=str(number),
            source="plain",
            kind="image",
            rounds=(Round({}, " ".join(["red"] * (1 + number % 3))),),
            images=(encode_png(Image.new("RGB", (28, 28), (number % shades * 12, 0, 0))),),
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


def _losses(
    model: Scorer, folder: Path, *, shades: int = NUM, use_bf16: bool | None = None
) -> CaptionLosses:
    write_tokenizer(folder)
    return caption_losses(
        model,
        _samples(shades),
        pool=load_pool("caption_brief"),
        tokenizer=AutoTokenizer.from_pretrained(folder),
        image_size=28,
        num_queries=4,
        seed=0,
        use_bf16=use_bf16,
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


@pytest.mark.parametrize("shades", [2, 3, 5])
def test_the_swapped_picture_is_never_an_equal_one(tmp_path: Path, shades: int) -> None:
    seen: list[torch.Tensor] = []

    def keeping(batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        seen.append(batch.pixel_values.mean((1, 2, 3)))
        numbers = torch.arange(NUM)
        return torch.ones(NUM), numbers

    _losses(keeping, tmp_path, shades=shades)
    right, swapped = seen
    assert (right != swapped).all()
    assert torch.equal(right.sort().values, swapped.sort().values)


def test_one_picture_for_all_samples_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LynxError, match="16 times the same picture"):
        _losses(_looking, tmp_path, shades=1)


class Elsewhere(torch.nn.Module):
    """A model on a device that is not the CPU; keeps where its batches were."""

    def __init__(self, device: str) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1, device=device))
        self.devices: set[str] = set()
        self.is_autocast: set[bool] = set()

    def forward(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        self.devices |= {batch.pixel_values.device.type, batch.input_ids.device.type}
        self.is_autocast.add(torch.is_autocast_enabled("cpu"))
        return torch.ones(NUM), torch.arange(NUM)


def test_batches_go_to_the_models_device(tmp_path: Path) -> None:
    model = Elsewhere("meta")
    _losses(model, tmp_path)
    assert model.devices == {"meta"}


@pytest.mark.parametrize(("use_bf16", "expected"), [(None, False), (False, False), (True, True)])
def test_half_precision_is_used_where_it_is_asked_for(
    tmp_path: Path, use_bf16: bool | None, expected: bool
) -> None:
    model = Elsewhere("cpu")
    _losses(model, tmp_path, use_bf16=use_bf16)
    assert model.is_autocast == {expected}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_half_precision_is_the_default(tmp_path: Path) -> None:
    class OnGpu(Elsewhere):
        def forward(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
            self.is_autocast.add(torch.is_autocast_enabled("cuda"))
            numbers = torch.arange(NUM, device="cuda")
            return torch.ones(NUM, device="cuda") * self.weight, numbers

    model = OnGpu("cuda")
    _losses(model, tmp_path)
    assert model.is_autocast == {True}


def test_the_paired_mean_has_the_interval_of_students_test() -> None:
    found = paired_mean([1.0, 2.0, 3.0, 4.0])
    assert found.value == 2.5
    assert found.interval.low == pytest.approx(0.4457, abs=1e-4)
