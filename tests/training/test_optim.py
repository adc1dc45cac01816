"""Tests of the optimizer's groups and of the learning rate over a stage."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import nn

from lynx.model.build import build_model
from lynx.training.build import build_module, build_trainer
from lynx.training.optim import make_optimizer, make_schedule, parameter_groups, schedule_factor
from tests.tiny import tiny_config

PAPER = {"warmup_start_factor": 0.1, "final_factor": 0.0}


def test_the_schedule_has_table_8s_shape() -> None:
    """Warm-up from a tenth of the rate over 5 % of the steps, then a straight line to zero."""
    factors = [schedule_factor(n, steps=100, warmup_steps=5, **PAPER) for n in range(101)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[5] == 1.0
    assert max(factors) == 1.0
    assert factors[100] == 0.0
    falls = [before - after for before, after in pairwise(factors[5:])]
    assert falls == pytest.approx([1 / 95] * 95)


def test_the_floor_is_a_share_of_the_peak() -> None:
    settings = {"steps": 10, "warmup_steps": 0, "warmup_start_factor": 0.1, "final_factor": 0.1}
    assert schedule_factor(0, **settings) == 1.0
    assert schedule_factor(10, **settings) == pytest.approx(0.1)


def test_the_scheduler_follows_the_factor() -> None:
    weight = nn.Parameter(torch.ones(2, 2))
    optimizer = make_optimizer(
        [("resampler.weight", weight)], learning_rate=2.0, betas=(0.9, 0.999), eps=1e-8,
        weight_decay=0.0, decay_norms_and_biases=False, fused=True,
    )  # fmt: skip
    schedule = make_schedule(optimizer, steps=20, warmup_ratio=0.1, **PAPER)
    rates = []
    for _ in range(4):
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    assert rates == pytest.approx([0.2, 1.1, 2.0, 2 * 17 / 18])


def test_norms_biases_and_scalars_are_not_decayed(tmp_path: Path) -> None:
    model = build_model(tiny_config(tmp_path), seed=0)
    model.set_trainable({"adapters", "resampler"})
    named = list(model.named_parameters())
    groups = parameter_groups(named, weight_decay=0.01, decay_norms_and_biases=False)
    decays = {id(p): group["weight_decay"] for group in groups for p in group["params"]}
    for name, parameter in named:
        if not parameter.requires_grad:
            assert id(parameter) not in decays, name
        elif name.endswith(("bias", "scaling")) or "norm" in name:
            assert decays[id(parameter)] == 0.0, name
        else:
            assert decays[id(parameter)] == 0.01, name
    assert {group["name"] for group in groups} == {
        "adapters", "adapters without decay", "resampler", "resampler without decay",
    }  # fmt: skip
    everything = parameter_groups(named, weight_decay=0.01, decay_norms_and_biases=True)
    assert {group["weight_decay"] for group in everything} == {0.01}


@pytest.mark.parametrize("everything", [False, True])
def test_frame_positions_are_never_decayed(everything: bool) -> None:
    """In a stage without videos they have no gradient, and must stay as they are."""
    positions = nn.Parameter(torch.ones(5, 4))
    named = [("frame_positions", positions)]
    groups = parameter_groups(named, weight_decay=0.01, decay_norms_and_biases=everything)
    assert [group["weight_decay"] for group in groups] == [0.0]


def test_the_configured_numbers_reach_optimizer_and_trainer(tmp_path: Path) -> None:
    changes = {
        "optimizer.betas": [0.7, 0.8],
        "optimizer.eps": 1e-5,
        "optimizer.weight_decay": 0.3,
        "optimizer.warmup_ratio": 0.2,
        "optimizer.warmup_start_factor": 0.5,
        "optimizer.final_factor": 0.25,
        "optimizer.gradient_clip": 0.9,
        "stages.pretrain.steps": 10,
        "stages.pretrain.learning_rate": 4.0,
    }
    config = tiny_config(tmp_path, changes)
    model = build_model(config, seed=0)
    module = build_module(config, "pretrain", model=model, source_names=("a",), key="k")
    built = module.configure_optimizers()
    optimizer, schedule = built["optimizer"], built["lr_scheduler"]["scheduler"]
    assert {(group["betas"], group["eps"]) for group in optimizer.param_groups} == {
        ((0.7, 0.8), 1e-5)
    }
    assert {group["weight_decay"] for group in optimizer.param_groups} == {0.0, 0.3}
    assert built["lr_scheduler"]["interval"] == "step"
    rates = [4.0 * schedule.lr_lambdas[0](step) for step in (0, 1, 2, 10)]
    assert rates == pytest.approx([2.0, 3.0, 4.0, 1.0])
    trainer = build_trainer(config, "pretrain", root=tmp_path)
    assert trainer.gradient_clip_val == 0.9
    assert trainer.max_steps == 10 and trainer.accumulate_grad_batches == 2
