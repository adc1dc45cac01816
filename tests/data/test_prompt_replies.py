"""Replies of a served model: each is asked for once, and a server that fails is told."""

from __future__ import annotations

import socket
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from lynx.config.errors import LynxError
from lynx.data.prompt_replies import RepliesOnDisk
from tests.chat_server import Server, running_server


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    with running_server("4) Look.") as server:
        yield server


def replies_of(server: Server, folder: Path, *, model: str = "gpt-x") -> RepliesOnDisk:
    url = f"http://127.0.0.1:{server.server_port}/v1"
    return RepliesOnDisk(folder, model=model, base_url=url)


def test_a_prompt_is_asked_once_by_seed_and_call(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")  # a server of one's own needs none
    replies = replies_of(server, tmp_path)
    asked = [(0, 0), (0, 1), (1, 0), (0, 0), (1, 0)]
    keys = [replies.reply("Say it.", seed=seed, call=call).key for seed, call in asked]
    assert len(server.requests) == len(set(keys)) == 3
    assert keys[3:] == [keys[0], keys[2]]


def test_another_model_or_server_is_asked_anew(server: Server, tmp_path: Path) -> None:
    replies_of(server, tmp_path).reply("Say it.", seed=0, call=0)
    replies_of(server, tmp_path, model="gpt-y").reply("Say it.", seed=0, call=0)
    assert len(server.requests) == 2
    with running_server("4) See.") as second:
        assert replies_of(second, tmp_path).reply("Say it.", seed=0, call=0).text == "4) See."


def test_a_refused_key_is_told_once_without_showing_it(server: Server, tmp_path: Path) -> None:
    server.status = 401
    with pytest.raises(LynxError, match=r"'gpt-x' at http.* failed: .*OPENAI_API_KEY") as caught:
        replies_of(server, tmp_path).reply("Say it.", seed=0, call=0)
    assert "secret" not in "".join(traceback.format_exception(caught.value))
    assert len(server.requests) == 1


@pytest.mark.parametrize("reply", [None, "", " \n"])
def test_an_empty_reply_is_an_error_and_is_not_kept(
    server: Server, tmp_path: Path, reply: str | None
) -> None:
    server.replies = [reply, "4) Look."]
    replies = replies_of(server, tmp_path)
    with pytest.raises(LynxError, match="sent an empty reply"):
        replies.reply("Say it.", seed=0, call=0)
    assert replies.reply("Say it.", seed=0, call=0).text == "4) Look."


@pytest.mark.parametrize(
    "body", [b"<html>busy</html>", b"{}", b'{"choices": []}', b'"' + b"." * 195 + b'secret"']
)
def test_what_is_no_chat_completion_is_an_error(
    server: Server, tmp_path: Path, body: bytes
) -> None:
    server.body = body
    with pytest.raises(LynxError, match="sent no chat completion") as caught:
        replies_of(server, tmp_path).reply("Say it.", seed=0, call=0)
    assert "sec" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(LynxError, match=rf"'gpt-x' at {url} failed: Connection error\. Replies"):
        RepliesOnDisk(tmp_path, model="gpt-x", base_url=url).reply("Say it.", seed=0, call=0)


def test_openai_without_a_key_says_which_variable_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(LynxError, match=r"needs a key in the environment variable OPENAI_API_KEY"):
        RepliesOnDisk(tmp_path, model="gpt-x", base_url=None).reply("Say it.", seed=0, call=0)
