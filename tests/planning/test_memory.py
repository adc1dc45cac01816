"""Memory of a device: what each strategy holds, and that a real step fits the forecast."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from lynx.config.compose import compose
from lynx.config.schema import Config
from lynx.model.build import meta_model_of
from lynx.planning.load import stage_load
from lynx.planning.memory import StageMemory, by_strategy, stage_memory
from lynx.planning.probe import random_model
from lynx.planning.sizes import Sizes, sizes_of
from tests.planning.shapes import shaped_config

TRAINED, ALL = 688_430_224, 8_413_655_312  # parameters of the paper's stage one, and of all


@pytest.fixture(scope="module")
def paper() -> Config:
    return compose(scale="paper")


@pytest.fixture(scope="module")
def sizes(paper: Config) -> Sizes:
    return sizes_of(meta_model_of(paper))


def memory(paper: Config, sizes: Sizes, **hardware: object) -> StageMemory:
    other = replace(paper, hardware=replace(paper.hardware, **hardware))  # type: ignore[arg-type]
    return stage_memory(other, "pretrain", sizes=sizes)


def test_zero_two_splits_gradients_and_the_optimizers_state(paper: Config, sizes: Sizes) -> None:
    rows = memory(paper, sizes).rows
    assert rows["frozen weights"] == 2 * (ALL - TRAINED)
    assert rows["trained weights"] == 2 * TRAINED
    assert rows["gradients"] == round(2 * TRAINED / 32)
    assert rows["master weights"] == round(4 * TRAINED / 32)
    assert rows["Adam's moments"] == round(8 * TRAINED / 32)


def test_zero_one_keeps_gradients_whole_and_zero_three_splits_weights(
    paper: Config, sizes: Sizes
) -> None:
    assert memory(paper, sizes, zero_stage=1).rows["gradients"] == 2 * TRAINED
    rows = memory(paper, sizes, zero_stage=3).rows
    assert rows["frozen weights"] == round(2 * (ALL - TRAINED) / 32)
    assert rows["gathered weights"] == 2 * 10**9


def test_offloading_takes_the_optimizers_state_off_the_gpu(paper: Config, sizes: Sizes) -> None:
    rows = memory(paper, sizes, offload=True).rows
    assert rows["master weights"] == rows["Adam's moments"] == 0


def test_ddp_holds_what_some_stage_trains_in_float32(paper: Config, sizes: Sizes) -> None:
    rows = memory(paper, sizes, strategy="ddp").rows
    encoder, language = 986_801_280, 6_738_423_808
    assert rows["frozen weights"] == 4 * encoder + 2 * language
    assert rows["trained weights"] == rows["gradients"] == rows["gradient buckets"] == 4 * TRAINED
    assert rows["copies for autocast"] == 2 * TRAINED


def test_checkpointing_and_a_higher_stage_of_zero_need_less(paper: Config, sizes: Sizes) -> None:
    for stage in ("pretrain", "resolution", "instruct"):
        found = by_strategy(paper, stage, load=stage_load(paper, stage), sizes=sizes)
        assert all(pair["with"] < pair["without"] for pair in found.values())
        totals = [pair["with"] for pair in found.values()]
        assert totals == sorted(totals, reverse=True)


def test_the_papers_run_fits_into_its_gpus(paper: Config, sizes: Sizes) -> None:
    for stage in ("pretrain", "resolution", "instruct"):
        assert stage_memory(paper, stage, sizes=sizes).total < 0.9 * 80 * 2**30


@pytest.mark.parametrize("stage", ["pretrain", "resolution"])
def test_weights_of_one_device_are_those_of_the_model(tmp_path: Path, stage: str) -> None:
    """By the tensors of a real model in the types that a run holds them in."""
    config = shaped_config(tmp_path, precision="bf16", frozen_dtype="bf16")
    model = random_model(config, stage, device="cpu")
    rows = stage_memory(config, stage).rows
    held: dict[bool, int] = {True: 0, False: 0}
    for parameter in model.parameters():
        held[parameter.requires_grad] += parameter.numel() * parameter.element_size()
    assert rows["trained weights"] == held[True]
    assert rows["frozen weights"] == held[False]
    optimizer = torch.optim.AdamW(p for p in model.parameters() if p.requires_grad)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    states = [one for state in optimizer.state.values() for one in state.values()]
    moments = sum(one.nbytes for one in states if one.ndim)
    assert rows["Adam's moments"] == pytest.approx(moments, rel=0.01)
    assert rows["gradients"] == held[True]
