"""Which numbers each knob takes; every number of the schema has a range."""

from __future__ import annotations

import pytest

from lynx.config.compose import compose, config_dict
from lynx.config.errors import LynxError
from lynx.config.files import flattened
from lynx.config.ranges import RANGES, general_key


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("stages.pretrain.learning_rate=.nan", "nan is not above 0"),
        ("stages.pretrain.learning_rate=.inf", "inf is not above 0"),
        ("stages.pretrain.learning_rate=0", "0.0 is not above 0"),
        ("stages.instruct.image_size=0", "0 is not at least 1"),
        ("model.adapter.every_n_layers=0", "0 is not at least 1"),
        ("model.adapter.bottleneck_divisor=0", "0 is not at least 1"),
        ("model.resampler.num_queries=0", "0 is not at least 1"),
        ("model.resampler.num_heads=0", "0 is not at least 1"),
        ("model.num_frames=0", "0 is not at least 1"),
        ("model.vision_encoder.drop_path_rate=3", "3.0 is not at least 0 and below 1"),
        ("model.vision_encoder.drop_path_rate=1", "1.0 is not at least 0 and below 1"),
        ("optimizer.betas=[2,3]", "2.0 is not at least 0 and below 1"),
        ("optimizer.betas=[0.9,.nan]", "nan is not at least 0 and below 1"),
        ("optimizer.eps=0", "0.0 is not above 0"),
        ("optimizer.warmup_ratio=5", "5.0 is not at least 0 and at most 1"),
        ("optimizer.weight_decay=-1", "-1.0 is not at least 0"),
        ("optimizer.gradient_clip=0", "0.0 is not above 0"),
        ("data.random_crop_scale=0", "0.0 is not above 0 and at most 1"),
        ("data.num_workers=-1", "-1 is not at least 0"),
        ("hardware.num_nodes=0", "0 is not at least 1"),
        ("evaluation.batch_size=0", "0 is not at least 1"),
        ("evaluation.max_input_tokens=1", "1 is not at least 2"),
        ("evaluation.generation.demo.num_beams=0", "0 is not at least 1"),
        ("evaluation.generation.demo.length_penalty=.nan", "nan is not a finite number"),
        ("evaluation.benchmarks.open_vqa_image.num_questions_per_class=-1", "-1 is not at least 0"),
        ("evaluation.judge.concurrency=0", "0 is not at least 1"),
        ("tracking.checkpoint_every_n_steps=0", "0 is not at least 1"),
        ("tracking.log_every_n_steps=0", "0 is not at least 1"),
    ],
)
def test_a_number_out_of_its_range_is_refused_with_its_key(override: str, reason: str) -> None:
    key = override.partition("=")[0]
    with pytest.raises(LynxError) as caught:
        compose(overrides=[override])
    assert f"{key}: {reason}" in str(caught.value).replace("\n", " ")


def test_a_seed_below_zero_is_refused() -> None:
    with pytest.raises(LynxError, match="seed: -1 is not at least 0"):
        compose(seed=-1)


def test_the_ends_of_a_range_are_in_it() -> None:
    overrides = ["optimizer.warmup_ratio=0", "optimizer.final_factor=1", "data.random_crop_scale=1"]
    assert compose(overrides=[*overrides, "optimizer.gradient_clip=null"])


def test_every_number_of_the_schema_has_a_range_and_every_range_a_number() -> None:
    numbers = {
        general_key(key)
        for key, value in flattened(config_dict(compose())).items()
        if any(_is_number(one) for one in (value if isinstance(value, list) else [value]))
    }
    unset = {"optimizer.gradient_clip"}
    unset |= {f"evaluation.judge.{key}" for key in ("budget", "input_price", "output_price")}
    assert numbers | unset == set(RANGES)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
