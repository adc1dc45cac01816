"""Where published benchmarks are had, against a local server."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from lynx.config.compose import compose
from lynx.config.errors import LynxError
from lynx.evaluation.benchmarks import origins as module
from lynx.evaluation.benchmarks.origins import Origin, RemoteFile, fetch, origins
from tests.file_server import Server

CONTENT = b'{"index": 1}\n'


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Serves q.jsonl, which is said to be the benchmark `toy`."""
    (tmp_path / "served").mkdir()
    (tmp_path / "served/q.jsonl").write_bytes(CONTENT)
    running = Server(tmp_path / "served")
    remote = RemoteFile(f"{running.url}/q.jsonl", hashlib.sha256(CONTENT).hexdigest())
    toy = Origin("a home", "LYNX_TOY", "data/toy", "ask for the pictures", {"q.jsonl": remote})
    bare = Origin("a home", "LYNX_BARE", "data/bare", "write to its authors")
    monkeypatch.setattr(module, "origins", lambda: {"toy": toy, "bare": bare})
    monkeypatch.setenv("LYNX_TOY", str(tmp_path / "here"))
    return running


def test_a_file_is_fetched_once_and_is_the_published_one(tmp_path: Path, server: Server) -> None:
    with server:
        assert fetch("toy") == [tmp_path / "here/q.jsonl"]
        assert (tmp_path / "here/q.jsonl").read_bytes() == CONTENT
        fetch("toy")
    assert server.requests["q.jsonl"] <= 2  # fsspec may ask for the size first


def test_a_damaged_file_is_told_and_not_kept(tmp_path: Path, server: Server) -> None:
    server.corrupt["q.jsonl"] = 9
    with server, pytest.raises(LynxError, match=r"q.jsonl is not the published file: sha256"):
        fetch("toy")
    assert not (tmp_path / "here/q.jsonl").exists()


def test_another_file_in_the_place_is_not_taken_for_the_published_one(
    tmp_path: Path, server: Server
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here/q.jsonl").write_text("mine")
    with server, pytest.raises(LynxError, match="which is there already, is not the published"):
        fetch("toy")
    assert (tmp_path / "here/q.jsonl").read_text() == "mine"


def test_without_a_network_the_place_for_the_file_is_named(server: Server) -> None:
    server.status = 503
    with server, pytest.raises(LynxError, match=r"can't be fetched .* put it at .*here/q.jsonl"):
        fetch("toy")


def test_what_nobody_can_fetch_and_what_nobody_knows_are_explained(server: Server) -> None:
    with server:
        with pytest.raises(LynxError, match="can't be fetched from a home: write to its authors"):
            fetch("bare")
        with pytest.raises(LynxError, match="no benchmark `toi`; nearest is `toy`"):
            fetch("toi")


def test_the_paper_scale_looks_where_the_origins_say(monkeypatch: pytest.MonkeyPatch) -> None:
    for origin in origins().values():
        monkeypatch.delenv(origin.variable, raising=False)
    benchmarks = compose(scale="paper").evaluation.benchmarks.values()
    for name, origin in origins().items():
        asked = [one.questions for one in benchmarks if one.format == name]
        assert asked and all(questions.startswith(f"{origin.folder}/") for questions in asked)
