"""How two configurations are told apart."""

from __future__ import annotations

import pytest
import yaml

from lynx.config.compose import compose
from lynx.config.diff import ABSENT, diff_text, resolved_diff
from lynx.config.errors import LynxError


def test_values_are_resolved_and_names_do_not_count() -> None:
    changes = resolved_diff(compose(), compose(ablation="low_resolution"))
    assert changes == {
        "stages.resolution.image_size": (112, 56),
        "stages.instruct.image_size": (112, 56),
    }


def test_two_equal_variants_can_not_be_compared() -> None:
    with pytest.raises(LynxError, match=r"nothing differs between lynx \(desk, seed 0\) and lynx"):
        diff_text(compose(), compose())


def test_the_text_is_yaml_whatever_the_values_hold() -> None:
    prompt = "evaluation.benchmarks.open_vqa_image.prompt='{question} # short: now'"
    text = diff_text(compose(), compose(overrides=[prompt, "optimizer.gradient_clip=1.0"]))
    assert yaml.safe_load(text) == {
        "evaluation.benchmarks.open_vqa_image.prompt": "{question} -> {question} # short: now",
        "optimizer.gradient_clip": "null -> 1.0",
    }


def test_a_benchmark_on_one_side_only_is_shown_as_absent() -> None:
    base = compose()
    other = compose()
    other.evaluation.benchmarks.pop("open_vqa_video")
    assert resolved_diff(base, other)["evaluation.benchmarks.open_vqa_video.kind"] == (
        "video",
        ABSENT,
    )
