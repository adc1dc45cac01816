"""What `model.language_model.checkpoint` may name: a folder with all of a Llama, or an error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from lynx.config.errors import LynxError
from lynx.model.language_model import load_language_model, load_tokenizer
from tests.tiny import write_language_model, write_vision_encoder

KEY = r"model\.language_model\.checkpoint"


def load(folder: Path) -> None:
    load_language_model(str(folder), dtype=torch.float32, attention="eager")


def test_a_folder_without_a_model_is_told_what_it_needs(tmp_path: Path) -> None:
    wanted = rf"{KEY}: .* has no config\.json, no weights \(.*\), no tokenizer \(.*save_pretrained"
    for loader in (load_tokenizer, load):
        with pytest.raises(LynxError, match=wanted):
            loader(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "lacking"),
    [
        ("config.json", r"no config\.json;"),
        ("model.safetensors", "no weights"),
        ("tokenizer.json", "no tokenizer"),
    ],
)
def test_what_a_models_folder_lacks_is_named(tmp_path: Path, name: str, lacking: str) -> None:
    folder = write_language_model(tmp_path / "model")
    (folder / name).unlink()
    with pytest.raises(LynxError, match=rf"{KEY}: the folder .*model has {lacking}"):
        load(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_file_of_a_model_that_is_cut_short_is_named(tmp_path: Path, name: str) -> None:
    folder = write_language_model(tmp_path / "model")
    (folder / name).write_bytes((folder / name).read_bytes()[:20])
    with pytest.raises(LynxError, match=rf"{KEY}: .*{folder}"):
        load(folder)


def test_a_model_of_another_architecture_is_refused(tmp_path: Path) -> None:
    folder = write_language_model(tmp_path / "model")
    other = json.loads((write_vision_encoder(tmp_path / "vit") / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(other))
    with pytest.raises(LynxError, match=rf"{KEY}: .*model_type 'blip_2_vision_model'.*'llama'"):
        load(folder)
