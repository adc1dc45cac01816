"""Operations counted from sizes against those that PyTorch counts in real passes."""

from dataclasses import replace
from pathlib import Path

import pytest
from torch.utils.flop_counter import FlopCounterMode

from lynx.config.compose import compose
from lynx.config.schema import STAGE_NAMES, Config
from lynx.planning.facts_files import paper_gpu, paper_stage
from lynx.planning.flops import StageFlops, stage_flops
from lynx.planning.load import stage_load
from lynx.planning.probe import random_model
from lynx.planning.sizes import sizes_of
from lynx.planning.synthetic import load_of, synthetic_batch
from tests.tiny import tiny_config


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return tiny_config(tmp_path_factory.mktemp("plan"), {"data.pack_length": 192})


def counted(config: Config, stage: str) -> tuple[float, StageFlops]:
    """PyTorch's count of a real forward and backward pass per sample, and the forecast."""
    model = random_model(config, stage, device="cpu")
    load = stage_load(config, stage, tokens_per_sample=30)
    batch = synthetic_batch(config, stage, load, vocabulary=40)
    with FlopCounterMode(display=False) as counter:
        losses, _ = model(batch)
        losses.sum().backward()
    forecast = stage_flops(config, stage, load=load_of([batch]), sizes=sizes_of(model))
    return counter.get_total_flops() / batch.num_samples, forecast


@pytest.mark.parametrize("stage", STAGE_NAMES)
def test_the_forecast_of_a_stage_is_what_pytorch_counts(config: Config, stage: str) -> None:
    real, forecast = counted(config, stage)
    assert forecast.total == pytest.approx(real, rel=0.02)


def test_a_trained_language_model_costs_the_gradients_of_its_weights(tmp_path: Path) -> None:
    config = tiny_config(tmp_path, {"stages.instruct.trainable.language_model": True})
    real, forecast = counted(config, "instruct")
    assert forecast.total == pytest.approx(real, rel=0.02)


@pytest.mark.parametrize("stage", ["pretrain", "resolution"])
def test_what_checkpointing_repeats_is_what_pytorch_counts_more(config: Config, stage: str) -> None:
    hardware = replace(config.hardware, gradient_checkpointing=True)
    real, forecast = counted(replace(config, hardware=hardware), stage)
    assert forecast.total + sum(forecast.recomputed.values()) == pytest.approx(real, rel=0.02)


def test_the_papers_hours_mean_less_than_a_fifth_of_the_gpus_rate() -> None:
    config = compose(scale="paper")
    operations = sum(
        stage_flops(config, stage, load=replace(stage_load(config, stage), useful=1.0)).total
        * paper_stage(stage).samples
        for stage in STAGE_NAMES
    )
    hours = sum(paper_stage(stage).gpu_hours for stage in STAGE_NAMES)
    share = operations / (hours * 3600 * paper_gpu().flops_per_second)
    assert hours == 2944
    assert 0.17 < share < 0.20
