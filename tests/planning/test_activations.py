"""Bytes kept for the backward pass: counted from sizes against what autograd really keeps."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from lynx.config.schema import Config
from lynx.planning.activations import kept_for_backward
from lynx.planning.load import stage_load
from lynx.planning.probe import random_model
from lynx.planning.sizes import sizes_of
from lynx.planning.synthetic import load_of, synthetic_batch
from tests.planning.shapes import shaped_config


def really_kept(config: Config, stage: str) -> tuple[float, dict[str, float]]:
    """Bytes of the storages that a forward pass saves, weights and batch aside; the forecast."""
    model = random_model(config, stage, device="cpu")
    if config.hardware.strategy == "deepspeed":
        model.bfloat16()
    load = stage_load(config, stage, tokens_per_sample=40)
    batch = synthetic_batch(config, stage, load, vocabulary=400)
    given = [*model.parameters(), *model.buffers(), *vars(batch).values()]
    known = {one.untyped_storage().data_ptr() for one in given if isinstance(one, Tensor)}
    kept: dict[int, Tensor] = {}

    def pack(tensor: Tensor) -> Tensor:
        if tensor.untyped_storage().data_ptr() not in known:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    is_mixed = config.hardware.precision == "bf16" and config.hardware.strategy != "deepspeed"
    with (
        torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor),
        torch.autocast("cpu", dtype=torch.bfloat16, enabled=is_mixed),
    ):
        result = model(batch)
    size = sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
    if is_mixed:  # copies of weights, which `stage_memory` counts in a row of their own
        shapes = {tuple(one.shape) for one in model.parameters() if one.ndim > 1}
        size -= sum(one.nbytes for one in kept.values() if tuple(one.shape) in shapes)
    del result  # until here it holds what was kept
    return size, kept_for_backward(config, stage, load_of([batch]), sizes_of(model))


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("stage", ["pretrain", "resolution"])
@pytest.mark.parametrize(
    "hardware",
    [
        {"precision": "fp32"},
        {"precision": "bf16", "strategy": "deepspeed", "frozen_dtype": "bf16"},
        {"precision": "bf16", "strategy": "ddp", "frozen_dtype": "bf16"},
        {"precision": "fp32", "gradient_checkpointing": True},
    ],
    ids=["fp32", "deepspeed", "ddp", "checkpointing"],
)
def test_the_forecast_is_what_autograd_keeps(
    tmp_path: Path, hardware: dict[str, Any], stage: str, attention: str
) -> None:
    real, forecast = really_kept(shaped_config(tmp_path, attention=attention, **hardware), stage)
    assert sum(forecast.values()) == pytest.approx(real, rel=0.1)
