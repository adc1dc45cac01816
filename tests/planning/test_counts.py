"""Parameters, checkpoints and disk at the paper's size, counted on the meta device."""

from math import prod

import pytest

from lynx.config.compose import compose
from lynx.config.schema import STAGE_NAMES, Config
from lynx.model.build import meta_model_of, parameter_counts
from lynx.model.lynx import LynxModel
from lynx.model.parts import part_of
from lynx.planning.disk import needed_bytes, stage_disk
from lynx.planning.manifest import final_manifest, resume_manifest
from lynx.planning.parameters import num_interpolated, num_trained
from lynx.planning.sizes import sizes_of

GIVEN = {  # the release's modules, counted; the authors say "about 8B" (D.2)
    "pretrain": 688_430_224,
    "resolution": 1_675_231_504,
    "instruct": 688_430_224,
}


@pytest.fixture(scope="module")
def paper() -> Config:
    return compose(scale="paper")


@pytest.fixture(scope="module")
def model(paper: Config) -> LynxModel:
    return meta_model_of(paper)


def test_parameters_are_those_of_the_release(paper: Config, model: LynxModel) -> None:
    assert sum(parameter_counts(model).values()) == 8_413_655_312
    assert {stage: num_trained(paper, stage, sizes_of(model)) for stage in STAGE_NAMES} == GIVEN


def test_positions_of_larger_pictures_are_counted_and_not_held(
    paper: Config, model: LynxModel
) -> None:
    assert num_interpolated(paper, model) == 986_801_280 - 985_894_528
    low = compose(ablation="low_resolution", scale="paper")
    assert num_interpolated(low, meta_model_of(low)) == 0


def test_a_checkpoint_of_stage_one_holds_the_trained_parts_only(
    paper: Config, model: LynxModel
) -> None:
    entries = final_manifest(paper, "pretrain", model=model, bytes_each=2)
    parts = {part_of(entry.name) for entry in entries}
    assert parts == {"resampler", "adapters", "frame_positions"}
    assert sum(prod(entry.shape) for entry in entries) == GIVEN["pretrain"]
    assert sum(entry.num_bytes for entry in entries) == pytest.approx(1.377e9, rel=0.001)


def test_later_files_hold_the_vision_encoder_and_never_the_language_model(
    paper: Config, model: LynxModel
) -> None:
    for stage in ("resolution", "instruct"):
        entries = final_manifest(paper, stage, model=model)
        parts = {part_of(entry.name) for entry in entries}
        assert parts == {"resampler", "adapters", "frame_positions", "vision_encoder"}
        assert sum(entry.num_bytes for entry in entries) == 4 * GIVEN["resolution"]


def test_a_state_to_resume_from_has_the_optimizer_of_what_the_stage_trains(
    paper: Config, model: LynxModel
) -> None:
    sizes = {
        stage: sum(one.num_bytes for one in resume_manifest(paper, stage, model=model))
        for stage in STAGE_NAMES
    }
    assert sizes["pretrain"] == 14 * GIVEN["pretrain"]  # bfloat16, its original, two moments
    assert sizes["instruct"] == 14 * GIVEN["instruct"]  # DeepSpeed leaves out what is frozen now
    ddp = compose(scale="paper", overrides=["hardware.strategy=ddp"])
    entries = resume_manifest(ddp, "instruct", model=model)
    assert sum(one.num_bytes for one in entries) == 4 * GIVEN["resolution"] + 8 * GIVEN["instruct"]


def test_disk_holds_two_checkpoints_of_one_stage_and_the_files_of_all(
    paper: Config, model: LynxModel
) -> None:
    disks = {stage: stage_disk(paper, stage, model=model) for stage in STAGE_NAMES}
    files = 4 * (GIVEN["pretrain"] + GIVEN["resolution"])
    most = files + disks["resolution"]["checkpoints"]
    assert most < needed_bytes(paper, model=model) < most + 1e9
    assert disks["resolution"]["checkpoints"] == 2 * 14 * GIVEN["resolution"]
