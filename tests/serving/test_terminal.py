"""Tests of `lynx chat`, with lines from a pipe."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lynx.cli import app
from lynx.cli.chat import demo
from lynx.config.errors import LynxError
from lynx.serving.answering import Answerer
from lynx.serving.terminal import Chat
from tests.clips import make_clip


def talked(answerer: Answerer, *lines: str) -> tuple[Chat, list[str]]:
    said: list[str] = []
    chat = Chat(answerer, said.append)
    chat.run(lines)
    return chat, said


def test_a_conversation_keeps_its_history_until_another_begins(
    answerer: Answerer, picture: Path
) -> None:
    chat, said = talked(answerer, f"/image {picture}", "what is this", "", "what color is it")
    assert [line.partition(" ")[0] for line in said] == ["[picture:", "bot:", "bot:"]
    first, second = chat.conversation.turns
    assert first[0] == "what is this" and said[1] == f"bot: {first[1]}"
    (expected,) = answerer.answer(
        [[first, ("what color is it", None)]], [picture], seeds=[_turn_seed(1)]
    )
    assert second[1] == expected.text
    chat.run(["/new"])
    assert chat.conversation.turns == () and chat.conversation.vision is not None


def test_a_picture_that_is_not_there_is_not_answered_about_the_one_before(
    answerer: Answerer, picture: Path, tmp_path: Path
) -> None:
    chat, said = talked(answerer, f"/image '{picture}'", f"/image {tmp_path / 'absent.png'}")
    assert said[0].startswith("[picture: ") and "nothing is shown now" in said[1]
    assert chat.conversation.vision is None


def test_a_video_is_called_so_however_short_and_where_a_picture_is_wanted(
    answerer: Answerer, tmp_path: Path
) -> None:
    clip = tmp_path / "a clip.mp4"
    clip.write_bytes(make_clip(1))
    _, said = talked(answerer, f"/video {clip}", f'/image "{clip}"')
    assert said[0] == f"[video, 1 frame: {clip}]" and "it is a video: use /video" in said[1]


def test_bytes_that_are_no_text_are_told_and_quit_needs_no_care(answerer: Answerer) -> None:
    _, said = talked(answerer, "\udcff", "/quit now", "what is this")
    assert said == ["error: a line is not UTF-8, and was not read"]


def _turn_seed(number: int) -> int:
    from lynx.config.seeds import torch_seed

    return torch_seed(0, "turn", number)


def test_a_mistake_is_told_and_ends_nothing(answerer: Answerer, tmp_path: Path) -> None:
    lines = [
        f"/image {tmp_path / 'absent.png'}", "/video", "/imge x", "/row nothing", "/seed -1",
        "/describe maybe", "what is this",
    ]  # fmt: skip
    _, said = talked(answerer, *lines)
    assert [line.startswith("error: ") for line in said] == [True] * 6 + [False]
    assert "absent.png" in said[0] and "nearest is `/image`" in said[2]
    assert said[-1].startswith("bot: ")


def test_an_answer_that_fails_ends_nothing(
    answerer: Answerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(type(answerer.asker), "replies", fail)
        chat, said = talked(answerer, "what is this")
    assert said == ["error: out of memory"] and chat.conversation.turns == ()


def test_commands_change_how_it_is_answered(answerer: Answerer, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(make_clip(20))
    chat, said = talked(
        answerer, f"/video {clip}", "/describe on", "/row greedy max_new_tokens=2", "/seed 7",
        "what is this", "/help", "/quit", "never read",
    )  # fmt: skip
    assert said[0] == f"[video, 5 frames: {clip}]"
    assert "max_new_tokens 2" in said[1]
    assert said[2].startswith("[description: ") and said[3].startswith("bot: ")
    assert said[-1].startswith("  /image PATH")
    assert (chat.seed, chat.row) == (7, "greedy max_new_tokens=2")
    description, answered = chat.conversation.turns
    assert description[0] == "Describe the video in detail." and answered[0] == "what is this"
    assert len(str(answered[1]).split()) <= 2


def test_the_command_reads_a_pipe(run_path: Path, picture: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app,
        ["chat", str(run_path), "--image", str(picture), "--row", "greedy", "--describe-first"],
        input="what is this\n/quit\n",
    )
    assert result.exit_code == 0, result.output
    assert "tiny/seed0 on the CPU" in result.output
    assert result.output.splitlines()[-1].startswith("bot: ")
    assert "[description: " in result.output
    missing = CliRunner().invoke(
        app, ["chat", str(run_path), "--image", str(tmp_path / "no.png")], input="what is this\n"
    )
    assert isinstance(missing.exception, LynxError) and "bot: " not in missing.output


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (b"what is this\n/image absent.png\nand this\n", r"line 2: absent\.png"),
        (b"what is this\n\xff\xfe\nand this\n", "line 2: a line is not UTF-8"),
    ],
)
def test_a_mistake_in_a_pipe_ends_it(run_path: Path, lines: bytes, complaint: str) -> None:
    result = CliRunner().invoke(app, ["chat", str(run_path), "--row", "greedy"], input=lines)
    assert result.output.count("bot: ") == 1
    with pytest.raises(LynxError, match=complaint):
        raise result.exception or AssertionError


@pytest.mark.parametrize(
    ("options", "complaint"), [({"host": "192.0.2.1"}, "--host 192.0.2.1: "), ({}, "--port {}: ")]
)
def test_a_page_that_could_not_be_served_is_told_before_a_model_is_loaded(
    options: dict[str, str], complaint: str, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LynxError, match=complaint.format(port)):
            demo(tmp_path, port=port, **options)


def test_no_port_is_above_the_highest() -> None:
    result = CliRunner().invoke(app, ["demo", "run", "--port", "80000"])
    assert result.exit_code == 2 and "65535" in result.output


def test_the_command_refuses_what_no_conversation_could_mend(run_path: Path) -> None:
    for arguments in (["--row", "nothing"], ["--image", "a.png", "--video", "b.mp4"]):
        result = CliRunner().invoke(app, ["chat", str(run_path), *arguments])
        assert isinstance(result.exception, LynxError)
