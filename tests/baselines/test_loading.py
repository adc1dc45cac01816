"""Where a baseline's checkpoint comes from, and what is said when it isn't right."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lynx.baselines.known import Baseline, load_baseline
from lynx.baselines.loading import checkpoint_folder, identity_of, load_adapter
from lynx.config.errors import LynxError
from tests.hub_server import COMMIT, HubServer, use_hub

Checkpoints = Callable[[str], Path]


def pointed_at(baseline: Baseline, checkpoint: str | Path) -> Baseline:
    return dataclasses.replace(baseline, checkpoint=str(checkpoint))


@pytest.fixture
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use_hub(monkeypatch, "http://127.0.0.1:9", str(tmp_path / "cache"))


@pytest.mark.usefixtures("empty_cache")
def test_nothing_is_downloaded_unasked_and_the_message_says_how_to() -> None:
    with pytest.raises(LynxError) as caught:
        checkpoint_folder(load_baseline("llava_1_5"))
    message = str(caught.value)
    assert "llava-hf/llava-1.5-7b-hf" in message and "not in the Hub's cache" in message
    assert "--download" in message and "14 GB" in message and "--checkpoint" in message


@pytest.mark.usefixtures("empty_cache")
def test_a_way_of_asking_needs_a_model() -> None:
    with pytest.raises(LynxError, match=r"chat is a way of asking, and no model.*--checkpoint"):
        checkpoint_folder(load_baseline("chat"))


@pytest.mark.usefixtures("empty_cache")
def test_a_folder_that_is_not_there_is_named() -> None:
    with pytest.raises(LynxError, match=r"/no/such/folder is no folder .*give a folder with"):
        checkpoint_folder(pointed_at(load_baseline("blip2"), "/no/such/folder"))


def test_download_brings_the_q_formers_tokenizer_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, checkpoints: Checkpoints
) -> None:
    source = checkpoints("instructblip")
    files = {
        str(path.relative_to(source)): path.read_bytes()
        for path in source.rglob("*")
        if path.is_file()
    }
    assert any(name.startswith("qformer_tokenizer/") for name in files)
    files["demo.png"] = b"not needed"
    baseline = pointed_at(load_baseline("instructblip"), "tests/instructblip")
    with HubServer({"tests/instructblip": files}) as hub:
        use_hub(monkeypatch, hub.url, str(tmp_path / "cache"))
        folder = checkpoint_folder(baseline, download=True)
        assert folder == checkpoint_folder(baseline)  # found again without
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert names == set(files) - {"demo.png"}
    assert identity_of(folder, "tests/instructblip") == f"tests/instructblip@{COMMIT}"
    adapter = load_adapter(baseline, folder, device=torch.device("cpu"), dtype=torch.float32)
    assert adapter.processor.qformer_tokenizer is not None


def test_weights_that_are_missing_are_named(tmp_path: Path, checkpoints: Checkpoints) -> None:
    folder = shutil.copytree(checkpoints("llava"), tmp_path / "llava")
    (folder / "model.safetensors").unlink()
    with pytest.raises(LynxError, match=r"llava has no model\.safetensors"):
        checkpoint_folder(pointed_at(load_baseline("llava_1_5"), folder))


def test_a_model_of_another_family_is_refused(checkpoints: Checkpoints) -> None:
    folder = checkpoints("llava")
    baseline = pointed_at(load_baseline("blip2"), folder)
    with pytest.raises(LynxError, match="is of the type llava, and the adapter blip2 asks blip-2"):
        load_adapter(baseline, folder, device=torch.device("cpu"), dtype=torch.float32)


def test_a_model_without_a_chat_template_is_refused(checkpoints: Checkpoints) -> None:
    folder = checkpoints("llava")
    baseline = pointed_at(load_baseline("chat"), folder)
    with pytest.raises(LynxError, match="has no chat template; write a YAML file"):
        load_adapter(baseline, folder, device=torch.device("cpu"), dtype=torch.float32)


def test_a_folder_without_a_processor_is_refused(tmp_path: Path, checkpoints: Checkpoints) -> None:
    folder = shutil.copytree(checkpoints("llava"), tmp_path / "llava")
    (folder / "processor_config.json").unlink()
    baseline = pointed_at(load_baseline("llava_1_5"), folder)
    with pytest.raises(LynxError, match="llava_1_5: "):
        load_adapter(baseline, folder, device=torch.device("cpu"), dtype=torch.float32)


def test_a_folders_identity_follows_its_weights(tmp_path: Path, checkpoints: Checkpoints) -> None:
    folder = shutil.copytree(checkpoints("llava"), tmp_path / "llava")
    before = identity_of(folder, str(folder))
    assert before == identity_of(checkpoints("llava"), "elsewhere")
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert identity_of(folder, str(folder)) != before
