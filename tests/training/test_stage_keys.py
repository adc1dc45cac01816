"""Tests of what a stage's address depends on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lynx.training.stages import stage_key
from tests.tiny import tiny_config

IDENTITIES = {"vision_encoder": "v", "language_model": "l"}


def key_of(root: Path, changes: dict[str, Any] | None = None, **arguments: Any) -> str:
    given = {"identities": IDENTITIES, "data_fingerprint": "d", "parent": None} | arguments
    return stage_key(tiny_config(root, changes), "pretrain", **given)


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1},
        {"stages.pretrain.steps": 5},
        {"stages.pretrain.learning_rate": 2e-3},
        {"stages.pretrain.trainable.adapters": False},
        {"model.adapter.init": "zero"},
        {"optimizer.weight_decay": 0.1},
        {"hardware.precision": "bf16"},
        {"hardware.frozen_dtype": "bf16"},
        {"model.vision_encoder.drop_path_rate": 0.1},
    ],
)
def test_what_changes_the_weights_changes_the_address(tmp_path: Path, changes: dict) -> None:
    assert key_of(tmp_path, changes) != key_of(tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [
        {"identities": IDENTITIES | {"language_model": "other"}},
        {"data_fingerprint": "other"},
        {"parent": "other"},
    ],
)
def test_weights_data_and_parent_are_part_of_the_address(tmp_path: Path, arguments: dict) -> None:
    assert key_of(tmp_path, **arguments) != key_of(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"stages.instruct.steps": 9},
        {"stages.pretrain.micro_batch_size": 2},
        {"stages.pretrain.recipe": "the_same_under_another_name"},
        {"data.pack_length": 256},
        {"data.packing": "first_fit"},
        {"hardware.devices": 2, "hardware.strategy": "ddp"},
        {"tracking.log_every_n_steps": 7},
        {"evaluation.batch_size": 1},
        {"model.language_model.checkpoint": "elsewhere"},
    ],
)
def test_what_leaves_the_weights_alone_leaves_the_address(tmp_path: Path, changes: dict) -> None:
    assert key_of(tmp_path, changes) == key_of(tmp_path)


def test_a_later_stage_decides_in_which_precision_a_part_is_held(tmp_path: Path) -> None:
    """In float32 if some stage trains it, in hardware.frozen_dtype if none does."""
    never = {"stages.resolution.trainable.vision_encoder": False}
    rounded = {"hardware.frozen_dtype": "bf16"}
    assert key_of(tmp_path, never | rounded) != key_of(tmp_path, rounded)
    assert key_of(tmp_path, never) == key_of(tmp_path)


def test_deepspeed_holds_weights_in_bfloat16_and_so_has_addresses_of_its_own(
    tmp_path: Path,
) -> None:
    deepspeed, bf16 = {"hardware.strategy": "deepspeed"}, {"hardware.precision": "bf16"}
    assert key_of(tmp_path, deepspeed | bf16) != key_of(tmp_path, bf16)
    assert key_of(tmp_path, deepspeed) == key_of(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"stages.pretrain.micro_batch_size": 2},
        {"hardware.devices": 2},
        {"data.pack_length": 256},
        {"data.packing": "first_fit"},
    ],
)
def test_stochastic_depth_makes_the_batch_split_part_of_the_address(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    drop = {"model.vision_encoder.drop_path_rate": 0.1}
    assert key_of(tmp_path, drop | changes) != key_of(tmp_path, drop)
