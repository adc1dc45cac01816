"""Tests that every strategy, precision and split of a step trains as one process does."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from benchmarks.recorded_training import ALL_TEXT, MUTE, RANK_OF_TEXT
from benchmarks.strategies import VARIANTS, Trained, difference
from lynx.config.compose import compose
from lynx.config.schema import STAGE_NAMES
from lynx.training.stages import final_path, read_record
from lynx.training.strategy import make_strategy
from tests.training.strategies_and_kills import TRAINED

EXACT = [name for name in TRAINED if VARIANTS[name].precision == "fp32" and name != "one process"]
ROUNDED = [name for name in TRAINED if VARIANTS[name].like == "one process, bf16"]


@lru_cache
def run_of(root: Path, name: str) -> Trained:
    return Trained(root / name)


@pytest.mark.parametrize("name", EXACT)
def test_losses_gradients_and_weights_equal_those_of_one_process(
    strategies: Path, name: str
) -> None:
    """With accumulation, clipping, steps and ranks of text alone, and micro batches of no target.

    Gradients are compared before they are clipped, parameter by parameter.
    """
    found = difference(run_of(strategies, "one process"), run_of(strategies, name))
    assert found.loss < 2e-6
    assert found.gradient_norm < 1e-5
    assert found.gradients < 1e-4
    assert found.weights < 1e-4


@pytest.mark.parametrize("name", ROUNDED)
def test_bfloat16_stays_near_one_process(strategies: Path, name: str) -> None:
    found = difference(run_of(strategies, "one process, bf16"), run_of(strategies, name))
    assert found.loss < 2e-2
    assert found.gradient_norm < 5e-2


@pytest.mark.parametrize("name", EXACT)
def test_what_is_logged_beside_the_loss_is_the_same(strategies: Path, name: str) -> None:
    one, other = run_of(strategies, "one process"), run_of(strategies, name)
    for quantity in ("learning_rate", "loss_since_last_log"):
        torch.testing.assert_close(other.column(quantity), one.column(quantity), atol=1e-5, rtol=0)
    mixes: list[Any] = []
    for each in (one, other):
        record = read_record(each.run_dir, "pretrain")
        assert record is not None
        mixes.append(record["realised_mix"])
    assert mixes[0] == mixes[1]


def test_every_step_was_clipped(strategies: Path) -> None:
    assert run_of(strategies, "one process").column("gradient_norm").min() > 0.2


def test_the_hard_micro_batches_occurred(strategies: Path) -> None:
    """Else the comparisons above would say less than they seem to."""
    first, second = run_of(strategies, "ZeRO-3").facts("pretrain")["batches"]

    def of(batches: list[dict[str, Any]], step: int, key: str) -> list[Any]:
        return [batch[key] for batch in batches if batch["step"] == step]

    assert all(of(first, ALL_TEXT, "blank")) and all(of(second, ALL_TEXT, "blank"))
    assert all(of(second, RANK_OF_TEXT, "blank")) and not all(of(first, RANK_OF_TEXT, "blank"))
    assert 0 in of(second, MUTE, "targets") and 0 not in of(first, MUTE, "targets")
    assert max(batch["most_frames"] for batch in first + second) == 5
    later = run_of(strategies, "ZeRO-3").facts("resolution")["batches"]
    assert all(all(of(one, ALL_TEXT, "blank")) for one in later)


def held(root: Path, name: str, stage: str) -> list[dict[str, Any]]:
    ranks: list[dict[str, Any]] = run_of(root, name).facts(stage)["memory"]
    return ranks


@pytest.mark.parametrize("stage", ["pretrain", "resolution"])
@pytest.mark.parametrize("name", ["ZeRO-1", "ZeRO-2", "ZeRO-3", "ZeRO-2, bf16", "ZeRO-3, bf16"])
def test_zero_splits_the_state_of_what_is_trained_and_no_more(
    strategies: Path, name: str, stage: str
) -> None:
    ranks = held(strategies, name, stage)
    trained = ranks[0]["trained_elements"]
    assert trained == held(strategies, "one process", stage)[0]["state_elements"]
    assert trained < ranks[0]["elements"]
    for rank in ranks:
        assert rank["state_elements"] == pytest.approx(trained / 2, rel=0.02)  # padded to divide
        assert rank["state_dtypes"] == rank["master_dtypes"] == ["torch.float32"]
        width = "torch.bfloat16" if "bf16" in name else "torch.float32"
        assert rank["trained_dtypes"] == rank["frozen_dtypes"] == [width]
        share = 0.5 if "ZeRO-3" in name else 1.0
        assert rank["local_elements"] == pytest.approx(share * rank["elements"], rel=0.02)


@pytest.mark.parametrize("stage", ["pretrain", "resolution"])
def test_ddp_trains_float32_weights_between_frozen_bfloat16(strategies: Path, stage: str) -> None:
    for rank in held(strategies, "DDP, bf16", stage):
        assert rank["trained_dtypes"] == rank["state_dtypes"] == ["torch.float32"]
        # The vision encoder is trained in some stage, so it keeps its width in all.
        frozen = {"pretrain": ["torch.bfloat16", "torch.float32"], "resolution": ["torch.bfloat16"]}
        assert rank["frozen_dtypes"] == frozen[stage]
        assert rank["state_elements"] == rank["trained_elements"]


@pytest.mark.parametrize("name", ROUNDED)
def test_the_final_file_has_more_digits_than_bfloat16(strategies: Path, name: str) -> None:
    for stage in STAGE_NAMES:
        path = final_path(run_of(strategies, name).run_dir, stage)
        tensors = safetensors.torch.load_file(path)
        assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}
        for key, tensor in tensors.items():
            if key.endswith("to_q.weight"):
                assert not torch.equal(tensor, tensor.bfloat16().float()), (stage, key)


@pytest.mark.parametrize("offload", [False, True])
@pytest.mark.parametrize("stage", [1, 2, 3])
def test_stage_and_offload_come_from_the_configuration(stage: int, offload: bool) -> None:
    values = [f"hardware.zero_stage={stage}", f"hardware.offload={str(offload).lower()}"]
    hardware = compose(scale="paper", overrides=values).hardware
    assert hardware.strategy == "deepspeed"
    strategy: Any = make_strategy(
        name=hardware.strategy,
        accelerator="cpu",
        zero_stage=hardware.zero_stage,
        offload=hardware.offload,
    )
    zero = strategy.config["zero_optimization"]
    assert zero["stage"] == stage
    assert zero.get("offload_optimizer", {}).get("device") == ("cpu" if offload else None)
    parameters = "cpu" if offload and stage == 3 else None
    assert zero.get("offload_param", {}).get("device") == parameters
    # It would stop with a ZeRORuntimeException, as AdamW is not its own.
    assert strategy.config["zero_force_ds_cpu_optimizer"] is False
