"""Tests of where a checkpoint is looked for, whether it is whole, and what its shape is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lynx.config.compose import compose, list_scales
from lynx.config.errors import LynxError
from lynx.model.pretrained import is_at_hand, missing_shards, shape_of
from tests.hub_server import hub_cache

KEY = "model.language_model.checkpoint"


def write_index(folder: Path, name: str, *shards: str) -> None:
    weights = {str(number): shard for number, shard in enumerate(shards)}
    (folder / name).write_text(json.dumps({"weight_map": weights}))


@pytest.mark.parametrize("scale", list_scales())
def test_the_shape_of_every_backbone_a_scale_names_is_known_without_it(scale: str) -> None:
    config = compose(scale=scale)
    names = [
        config.model.vision_encoder.checkpoint,
        *vars(config.vocabulary.language_model).values(),
    ]
    for name in names:
        assert shape_of(name, key=KEY)["hidden_size"] > 0


def test_a_folders_own_config_comes_first(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"hidden_size": 7}))
    assert shape_of(str(tmp_path), key=KEY) == {"hidden_size": 7}


def test_an_unknown_checkpoint_names_the_key_and_the_nearest() -> None:
    with pytest.raises(LynxError, match=rf"{KEY}: .*nearest is `lmsys/vicuna-7b-v1.1`"):
        shape_of("lmsys/vicuna-7b", key=KEY)


def test_a_model_in_the_hubs_cache_is_here_when_its_weights_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "someone/some-model"
    assert not is_at_hand(name)
    folder = hub_cache(monkeypatch, tmp_path, name)
    (folder / "config.json").write_text(json.dumps({"hidden_size": 7}))
    assert shape_of(name, key=KEY) == {"hidden_size": 7}
    assert not is_at_hand(name)
    write_index(folder, "model.safetensors.index.json", "1.safetensors", "2.safetensors")
    (folder / "1.safetensors").touch()
    assert not is_at_hand(name)
    (folder / "2.safetensors").touch()
    assert is_at_hand(name)


def test_only_the_index_of_the_weights_to_be_loaded_counts(tmp_path: Path) -> None:
    write_index(tmp_path, "pytorch_model.bin.index.json", "1.bin", "2.bin")
    (tmp_path / "2.bin").touch()
    assert missing_shards(tmp_path) == ["1.bin"]
    write_index(tmp_path, "model.safetensors.index.json", "1.safetensors")
    assert missing_shards(tmp_path) == ["1.safetensors"]
    (tmp_path / "model.safetensors").touch()
    assert missing_shards(tmp_path) == []
