"""Which stages a run would find trained: by address after a real run, by settings without data."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml

from lynx.config.compose import compose
from lynx.config.schema import STAGE_NAMES, Config
from lynx.model.build import meta_model_of, parameter_counts
from lynx.planning import reuse
from lynx.planning.load import stage_load
from lynx.planning.reuse import addresses, settings_addresses, stage_states
from lynx.tracking.run_dir import RunDir
from lynx.training.checkpoint_io import checkpoint_path
from lynx.training.run import train
from lynx.training.stages import final_path, read_record, remove_records, write_record
from tests.hub_server import hub_cache
from tests.tiny import tiny_catalog, tiny_config


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A tiny variant whose weights and shards are on this machine."""
    root = tmp_path_factory.mktemp("reuse")
    sources = {name: str(folder) for name, folder in tiny_catalog(root).items()}
    (root / "catalog.yaml").write_text(yaml.safe_dump({"sources": sources}))
    return tiny_config(root, {"data.catalog": str(root / "catalog.yaml")})


@pytest.fixture(scope="module")
def run_dir(config: Config) -> RunDir:
    return train(config)


def states(config: Config, base: Config) -> list[str]:
    return [stage.state for stage in stage_states(config, base).values()]


def ablated(config: Config) -> Config:
    """As an ablation that differs from stage two on."""
    stages = config.stages
    resolution = replace(stages.resolution, image_size=28)
    return replace(config, ablation="low_resolution", stages=replace(stages, resolution=resolution))


def test_addresses_are_those_that_a_run_writes(config: Config, run_dir: RunDir) -> None:
    records = {stage: read_record(run_dir, stage) for stage in STAGE_NAMES}
    assert addresses(config) == {stage: one["key"] for stage, one in records.items() if one}


def test_a_trained_run_is_found_and_its_first_stage_reused(config: Config, run_dir: RunDir) -> None:
    assert states(config, config) == ["trained"] * 3
    found = stage_states(ablated(config), config)
    assert [one.state for one in found.values()] == ["reused", "to train", "to train"]
    assert all(one.is_certain for one in found.values())
    assert str(run_dir.path.name) in found["pretrain"].text


def test_a_checkpoint_is_gone_on_from(config: Config, run_dir: RunDir) -> None:
    other = replace(config, seed=1)
    folder = RunDir.of(other).checkpoint_dir("pretrain")
    folder.mkdir(parents=True)
    keys = addresses(other)
    assert keys is not None
    torch.save({"stage_key": keys["pretrain"]}, checkpoint_path(folder, 2))
    assert states(other, other) == ["resumable", "to train", "to train"]
    assert "step00000002" in stage_states(other, other)["pretrain"].text


@pytest.mark.parametrize("content", [{"stage_key": "of other settings"}, None])
def test_a_checkpoint_of_other_settings_is_not_gone_on_from(
    config: Config, content: dict[str, str] | None
) -> None:
    other = replace(config, seed=4)
    folder = RunDir.of(other).checkpoint_dir("pretrain")
    folder.mkdir(parents=True, exist_ok=True)
    if content is None:
        checkpoint_path(folder, 2).write_bytes(b"junk")
    else:
        torch.save(content, checkpoint_path(folder, 2))
    assert states(other, other) == ["to train"] * 3
    assert "step00000002.ckpt is of other" in stage_states(other, other)["pretrain"].text


def test_before_the_base_is_trained_its_stages_are_shared(config: Config) -> None:
    other = replace(config, seed=2)
    assert states(ablated(other), other) == ["shared", "to train", "to train"]


def test_a_folder_of_other_settings_is_told(config: Config) -> None:
    other = replace(config, seed=3)
    run_dir = RunDir.of(other)
    write_record(run_dir, "pretrain", {"key": "of other weights"})
    run_dir.checkpoint_dir("pretrain").mkdir()
    final_path(run_dir, "pretrain").touch()
    found = stage_states(other, config)["pretrain"]
    assert (found.state, found.is_certain) == ("to train", True)
    assert "of other settings" in found.text


def test_backbones_in_the_hubs_cache_are_found_as_a_run_finds_them(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, model, changed = addresses(config), config.model, {}
    for part in ("vision_encoder", "language_model"):
        name = f"someone/{part}"
        folder = hub_cache(monkeypatch, tmp_path, name)
        shutil.copytree(getattr(model, part).checkpoint, folder, dirs_exist_ok=True)
        changed[part] = replace(getattr(model, part), checkpoint=name)
    cached = replace(config, model=replace(model, **changed))
    assert addresses(cached) == own
    assert "measured" in stage_load(cached, "pretrain").origin
    assert parameter_counts(meta_model_of(cached)) == parameter_counts(meta_model_of(config))


@pytest.mark.parametrize(
    ("ablation", "shared"),
    [("low_resolution", 1), ("noisy_data", 0), ("no_diverse_prompts", 0), ("plug_and_play", 3)],
)
def test_without_data_settings_are_compared(tmp_path: Path, ablation: str, shared: int) -> None:
    place = [f"tracking.output_dir={tmp_path}"]
    variant = compose(ablation=ablation, scale="paper", overrides=place)
    found = stage_states(variant, compose(scale="paper", overrides=place))
    assert addresses(variant) is None
    assert [one.state for one in found.values()] == ["shared"] * shared + ["to train"] * (
        3 - shared
    )
    assert not any(one.is_certain for one in found.values())


def test_another_seed_or_scale_shares_nothing_by_settings() -> None:
    base, other = compose(scale="paper"), compose(scale="paper", seed=1)
    pairs = zip(settings_addresses(base).values(), settings_addresses(other).values(), strict=True)
    assert all(one != two for one, two in pairs)


def test_after_a_stage_that_is_trained_anew_the_later_are_too(
    config: Config, run_dir: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nearly last: it takes records of the run away."""
    run_dir.stage_record_path("pretrain").unlink()
    found = stage_states(config, config)
    assert [one.state for one in found.values()] == ["to train"] * 3
    assert "came after another stage" in found["instruct"].text
    monkeypatch.setattr(reuse, "addresses", lambda _: None)
    assert states(config, config) == ["to train"] * 3


def test_an_edited_folder_loses_its_record(config: Config, run_dir: RunDir) -> None:
    """Last: it takes the run's records away."""
    train(config)
    remove_records(run_dir, first="resolution")
    assert states(config, config) == ["trained", "to train", "to train"]
