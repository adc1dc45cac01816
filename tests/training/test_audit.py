"""Tests that the audit sees every part that moves and should not, or the reverse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.optim import AdamW

from lynx.config.errors import LynxError
from lynx.model.build import build_model
from lynx.model.lynx import LynxModel
from lynx.tracking.run_dir import RunDir
from lynx.training.audit import changed_tensors, compare_parts, fingerprint, fingerprints
from lynx.training.optim import make_optimizer
from lynx.training.run import train
from tests.tiny import tiny_catalog, tiny_config

STAGE_ONE = {"resampler", "frame_positions", "adapters"}


@pytest.fixture
def model(tmp_path: Path) -> LynxModel:
    built = build_model(tiny_config(tmp_path), seed=0)
    built.set_trainable(STAGE_ONE)
    return built


@torch.no_grad()
def move_trained(model: LynxModel, *, but: str = "nothing") -> None:
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and name != but:
            parameter.mul_(1.5).add_(0.1)


def test_a_step_as_it_should_be_has_no_problems(model: LynxModel) -> None:
    before = fingerprints(model)
    move_trained(model)
    rows, problems = compare_parts(model, changed_tensors(model, before), saw_video=True)
    assert problems == []
    counts = {row.part: (row.trained, row.num_changed, row.num_tensors) for row in rows}
    assert counts["language_model"][:2] == counts["vision_encoder"][:2] == (False, 0)
    assert all(counts[part][0] and counts[part][1] == counts[part][2] for part in STAGE_ONE)
    assert sum(row.num_parameters for row in rows) == sum(p.numel() for p in model.parameters())


def test_the_smallest_change_of_a_frozen_tensor_is_seen(model: LynxModel) -> None:
    before = fingerprints(model)
    move_trained(model)
    weight = model.language_model.model.norm.weight
    with torch.no_grad():
        weight[3] = torch.nextafter(weight[3], torch.tensor(9.0))
    _, problems = compare_parts(model, changed_tensors(model, before), saw_video=True)
    assert problems == ["language_model.model.norm.weight is frozen but has changed"]


def test_swapped_elements_and_half_precision_are_seen() -> None:
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        values = torch.randn(64).to(dtype)
        swapped = values.clone()
        swapped[[0, 1]] = values[[1, 0]]
        pair = [torch.nn.Parameter(tensor) for tensor in (values, swapped)]
        assert fingerprint(pair[0]) != fingerprint(pair[1])
        assert fingerprint(pair[0]) == fingerprint(torch.nn.Parameter(values.clone()))


def test_a_trained_tensor_that_stays_is_seen(model: LynxModel) -> None:
    before = fingerprints(model)
    move_trained(model, but="resampler.queries")
    _, problems = compare_parts(model, changed_tensors(model, before), saw_video=True)
    assert problems == ["resampler.queries is trained but has not changed"]


def test_the_last_steps_of_a_stage_need_move_nothing_but_frozen_parts_stay(
    model: LynxModel,
) -> None:
    """A stage resumed before its end: its learning rate is too small to move every number."""
    before = fingerprints(model)
    changed = changed_tensors(model, before)
    assert compare_parts(model, changed, saw_video=True, from_start=False)[1] == []
    with torch.no_grad():
        model.language_model.model.norm.weight.add_(1)
    changed = changed_tensors(model, before)
    assert compare_parts(model, changed, saw_video=True, from_start=False)[1] == [
        "language_model.model.norm.weight is frozen but has changed"
    ]


def test_frame_positions_may_stay_until_there_is_a_video(model: LynxModel) -> None:
    before = fingerprints(model)
    move_trained(model, but="frame_positions")
    assert compare_parts(model, changed_tensors(model, before), saw_video=False)[1] == []
    assert compare_parts(model, changed_tensors(model, before), saw_video=True)[1] != []


def test_training_stops_when_a_frozen_part_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sabotage: an optimizer whose step also moves the language model's norm."""

    def sabotaged(named_parameters: Any, **settings: Any) -> AdamW:
        named = list(named_parameters)
        optimizer = make_optimizer(named, **settings)
        frozen = dict(named)["language_model.model.norm.weight"]
        optimizer.register_step_post_hook(lambda *_: frozen.mul_(1.001))
        return optimizer

    monkeypatch.setattr("lynx.training.build.make_optimizer", sabotaged)
    with pytest.raises(LynxError, match=r"audit of stage pretrain.*language_model.model.norm"):
        train(tiny_config(tmp_path), catalog=tiny_catalog(tmp_path))
    assert not RunDir.of(tiny_config(tmp_path)).is_complete("pretrain")
