"""The command `lynx plan`: its text, its JSON, its probe, and how it tells of mistakes."""

import json

import pytest
import torch
from typer.testing import CliRunner

from lynx.cli import app
from lynx.config.compose import compose
from lynx.config.errors import LynxError
from lynx.planning.facts_files import gpu, gpu_called
from lynx.planning.flops import StageFlops
from lynx.planning.hours import stage_hours
from lynx.planning.probe import probe, random_model
from tests.planning.shapes import shaped_config

SMALL = [
    f"stages.{stage}.{key}={value}"
    for stage in ("pretrain", "resolution", "instruct")
    for key, value in (("micro_batch_size", 2), ("global_batch_size", 4), ("steps", 10))
]


def planned(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["plan", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_the_paper_scale_is_forecast_beside_the_papers_run() -> None:
    text = planned("low_resolution", "--scale", "paper")
    assert "stages.resolution.image_size: 420 -> 224" in text
    assert "8,412,748,560" in text  # positions of 224 px pictures
    assert "reused from the base, once that is trained" in text
    assert "2944 A100 hours" not in text  # those are of the paper's own model
    assert max(map(len, text.splitlines())) <= 100


def test_json_holds_what_the_text_says() -> None:
    content = json.loads(planned("lynx", "--scale", "paper", "--gpu", "h100", "--json"))
    hours = [
        stage["paper"]["gpus"] * stage["paper"]["hours"] for stage in content["stages"].values()
    ]
    assert hours == [2304, 256, 384]
    pretrain = content["stages"]["pretrain"]
    assert sum(content["parameters"].values()) == 8_413_655_312
    assert pretrain["num_trained"] == 688_430_224
    assert pretrain["memory"]["total"] == sum(pretrain["memory"]["rows"].values())
    assert content["gpu"]["name"] == "h100"
    assert pretrain["state"]["is_certain"] is False


def test_hours_follow_the_gpus_rate_and_the_utilisation() -> None:
    config = compose(scale="paper")
    flops = StageFlops(forward={"vision_encoder": 1e12}, backward={}, recomputed={})
    a100 = stage_hours(config, "pretrain", flops, gpu=gpu("a100-80gb"), utilisation=0.4)
    h100 = stage_hours(config, "pretrain", flops, gpu=gpu("h100"), utilisation=0.2)
    assert a100.samples_per_second == pytest.approx(0.4 * 312)
    assert a100.gpu_hours == pytest.approx(153.6e6 / (0.4 * 312) / 3600)
    assert a100.wall_hours == pytest.approx(a100.gpu_hours / 32)
    assert h100.gpu_hours == pytest.approx(a100.gpu_hours * 2 * 312 / 989)


def test_a_probe_measures_real_steps_on_the_cpu() -> None:
    probing = ["--probe", "--device", "cpu", "--steps", "1", "--tokens-per-sample", "40"]
    content = json.loads(planned("lynx", "--json", *probing, *SMALL))
    for stage in content["stages"].values():
        assert 0 < stage["probe"]["utilisation"] < 1
        assert stage["probe"]["peak_memory"] > 0
        speed = 2 / (stage["probe"]["seconds"] + stage["probe"]["optimizer_seconds"])
        assert stage["hours"]["samples_per_second"] == pytest.approx(speed)


def test_a_cpus_rate_is_not_assumed() -> None:
    assert "no rate is assumed of a CPU" in planned("lynx", "--tokens-per-sample", "40")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--gpu", "a100-80"], "nearest is `a100-80gb`"),
        (["--gpu", "a100"], "nearest is `a100-40gb`"),
        (["--utilisation", "40"], "give one above 0, at most 1"),
        (["--tokens-per-sample", "0"], "less than one token"),
        (["--probe", "--steps", "0"], "leaves nothing to measure"),
    ],
)
def test_mistakes_are_told(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(app, ["plan", "lynx", "--scale", "paper", *arguments])
    assert isinstance(result.exception, LynxError)
    assert message in str(result.exception)


def test_a_device_that_a_probe_does_not_know_is_refused() -> None:
    result = CliRunner().invoke(app, ["plan", "lynx", "--probe", "--device", "gpu"])
    assert result.exit_code == 2 and "'gpu' is not one of" in result.output


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_probe_without_a_gpu_says_what_to_do() -> None:
    with pytest.raises(LynxError, match="--device cpu"):
        probe(compose(scale="desk"), "pretrain", steps=1)


def test_a_gpu_is_known_by_what_its_driver_calls_it() -> None:
    assert gpu_called("NVIDIA A100-SXM4-40GB") == gpu("a100-40gb")
    assert gpu_called("NVIDIA A100-SXM4-80GB") == gpu("a100-80gb")
    assert gpu_called("NVIDIA H100 PCIe") == gpu("h100-pcie")
    assert gpu_called("NVIDIA H200") == gpu("h200")
    assert gpu_called("Tesla V100") is None


def test_a_random_model_has_the_types_of_a_run(tmp_path) -> None:  # type: ignore[no-untyped-def]
    config = shaped_config(tmp_path, precision="bf16", frozen_dtype="bf16")
    model = random_model(config, "pretrain", device="cpu")
    assert model.language_model.lm_head.weight.dtype == torch.bfloat16
    assert next(model.vision_encoder.parameters()).dtype == torch.float32  # stage two trains it
    assert all(parameter.isfinite().all() for parameter in model.parameters())
    assert all(buffer.isfinite().all() for buffer in model.buffers())
