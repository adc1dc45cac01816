"""Tests of the list of pretrained models and of reading a checkpoint's shape."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lynx.config.compose import compose, list_scales
from lynx.config.errors import LynxError
from lynx.config.known_backbones import known_backbones, shape_of

KEY = "model.language_model.checkpoint"


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


def test_every_entry_names_its_part_and_a_model_type() -> None:
    for entry in known_backbones().values():
        assert entry.part in ("vision_encoder", "language_model")
        assert entry.shape["model_type"]
