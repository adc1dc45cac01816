"""The judge behind an OpenAI-compatible server, against a real local HTTP server."""

from __future__ import annotations

import json
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from lynx.config.errors import LynxError
from lynx.config.schema import JudgeConfig
from lynx.evaluation.judges.base import Claim
from lynx.evaluation.judges.build import build_judge
from lynx.evaluation.judges.openai_compatible import filled, parsed

RED = Claim("What color?", "a red ball", "red")


class Server(ThreadingHTTPServer):
    """Fails with the statuses queued in `failures`, then answers `reply`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.failures: list[int] = []
        self.reply: str | None = "Yes"
        self.error: dict[str, Any] = {}  # body of a failure
        self.body: tuple[str, bytes] | None = None  # in place of a reply, with its type
        self.pause = ("Retry-After-Ms", "1")


class Handler(BaseHTTPRequestHandler):
    """One chat completion."""

    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append({"path": self.path, **body})
        self.server.keys.append(self.headers["Authorization"])
        status = self.server.failures.pop(0) if self.server.failures else 200
        message = {"role": "assistant", "content": self.server.reply}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        answer = {"id": "1", "object": "chat.completion", "created": 0, "model": "m"}
        body = {**answer, "choices": [choice]} if status == 200 else self.server.error
        kind, content = "application/json", json.dumps(body).encode()
        if self.server.body is not None:
            kind, content = self.server.body
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header(*self.server.pause)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: Any) -> None:
        """Quiet."""


@contextmanager
def running_server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    with running_server() as server:
        yield server


@pytest.fixture
def config(server: Server, monkeypatch: pytest.MonkeyPatch) -> JudgeConfig:
    monkeypatch.setenv("A_KEY", "secret")
    url = f"http://127.0.0.1:{server.server_port}/v1"
    return JudgeConfig(name="some-model", base_url=url, api_key_variable="A_KEY", max_retries=3)


def test_the_papers_prompt_is_sent_word_for_word(
    server: Server, config: JudgeConfig, tmp_path: Path
) -> None:
    verdicts = build_judge(config, cache_dir=tmp_path).judge([RED])
    (request,) = server.requests
    assert request["path"] == "/v1/chat/completions"
    assert request["model"] == "some-model"
    assert request["temperature"] == 0.0
    assert server.keys == ["Bearer secret"]
    assert request["messages"] == [
        {
            "role": "user",
            "content": 'Given the question "What color?", does the answer "a red ball" imply the '
            'answer "red"? Answer with Yes or No.',
        }
    ]
    assert [(v.correct, v.reply) for v in verdicts] == [(True, "Yes")]


@pytest.mark.parametrize("failures", [[429], [500, 503], [429, 500, 429]])
def test_overload_and_server_errors_are_retried(
    server: Server, config: JudgeConfig, tmp_path: Path, failures: list[int]
) -> None:
    server.failures = list(failures)
    assert build_judge(config, cache_dir=tmp_path).judge([RED])[0].correct is True
    assert len(server.requests) == len(failures) + 1


def test_a_server_that_keeps_failing_is_reported_and_earlier_verdicts_are_kept(
    server: Server, config: JudgeConfig, tmp_path: Path
) -> None:
    judge = build_judge(config, cache_dir=tmp_path)
    judge.judge([RED])
    server.failures = [500] * 4
    with pytest.raises(LynxError, match=r"'some-model' at http.*failed after 3 retries"):
        judge.judge([RED, Claim("What shape?", "round", "circle")])
    assert len(server.requests) == 5  # the first claim was not asked again


def test_a_server_that_says_how_long_to_wait_is_given_that_time(
    server: Server, config: JudgeConfig, tmp_path: Path
) -> None:
    server.failures, server.pause = [429], ("Retry-After", "1")
    start = time.monotonic()
    build_judge(config, cache_dir=tmp_path).judge([RED])
    assert time.monotonic() - start >= 1.0  # the client's own first pause is at most half of it


def test_a_refused_request_is_not_retried(
    server: Server, config: JudgeConfig, tmp_path: Path
) -> None:
    server.failures = [401]
    with pytest.raises(LynxError, match="some-model") as caught:
        build_judge(config, cache_dir=tmp_path).judge([RED])
    assert len(server.requests) == 1
    assert "retries" not in str(caught.value)


def test_a_key_that_the_server_repeats_is_shown_nowhere(
    server: Server, config: JudgeConfig, tmp_path: Path
) -> None:
    judge = build_judge(config, cache_dir=tmp_path)
    server.failures, server.error = [401], {"error": {"message": "Bearer secret is no key"}}
    with pytest.raises(LynxError, match="Bearer <key> is no key") as refused:
        judge.judge([RED])
    server.body = ("text/html", b"." * 195 + b"secret")
    with pytest.raises(LynxError) as malformed:
        judge.judge([RED])
    for caught in (refused, malformed):
        assert "sec" not in "".join(traceback.format_exception(caught.value))
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/html", "<html>busy</html>"),
        ("application/json", "<html>busy</html>"),
        ("application/json", "{}"),
        ("application/json", '{"choices": null}'),
        ("application/json", '{"choices": []}'),
        ("application/json", '{"choices": [{"message": null}]}'),
        ("application/json", '{"choices": [{"message": {"content": ["Yes"]}}]}'),
    ],
)
def test_a_reply_that_is_no_chat_completion_is_an_error(
    server: Server, config: JudgeConfig, tmp_path: Path, kind: str, body: str
) -> None:
    server.body = (kind, body.encode())
    with pytest.raises(LynxError, match=r"'some-model' at http.* sent no chat completion"):
        build_judge(config, cache_dir=tmp_path).judge([RED])
    assert not list(tmp_path.rglob("*.json"))


@pytest.mark.parametrize("reply", [None, "", " \n"])
def test_an_empty_reply_is_no_verdict_and_is_not_kept(
    server: Server, config: JudgeConfig, tmp_path: Path, reply: str | None
) -> None:
    judge = build_judge(config, cache_dir=tmp_path)
    server.reply = reply
    assert judge.judge([RED])[0].correct is None
    server.reply = "Yes"
    assert judge.judge([RED])[0].correct is True


def test_verdicts_are_found_again_on_disk_and_equal_claims_are_asked_once(
    server: Server, config: JudgeConfig, tmp_path: Path
) -> None:
    build_judge(config, cache_dir=tmp_path).judge([RED, RED])
    again = build_judge(config, cache_dir=tmp_path).judge([RED])
    assert again[0].correct is True
    assert len(server.requests) == 1
    assert "secret" not in "".join(f.read_text() for f in tmp_path.rglob("*.json"))


def test_another_model_or_temperature_is_asked_anew(
    server: Server, config: JudgeConfig, tmp_path: Path
) -> None:
    variants = (config, replace(config, name="other"), replace(config, temperature=1.0))
    for variant in variants:
        build_judge(variant, cache_dir=tmp_path).judge([RED])
    assert len(server.requests) == 3


def test_another_server_is_asked_anew(server: Server, config: JudgeConfig, tmp_path: Path) -> None:
    build_judge(config, cache_dir=tmp_path).judge([RED])
    with running_server() as second:
        second.reply = "No"
        elsewhere = replace(config, base_url=f"http://127.0.0.1:{second.server_port}/v1")
        assert build_judge(elsewhere, cache_dir=tmp_path).judge([RED])[0].correct is False
    assert build_judge(config, cache_dir=tmp_path).judge([RED])[0].correct is True
    assert len(server.requests) == 1


def test_a_reply_that_is_neither_yes_nor_no_is_no_verdict(
    server: Server, config: JudgeConfig, tmp_path: Path
) -> None:
    server.reply = "The answer is unclear."
    (verdict,) = build_judge(config, cache_dir=tmp_path).judge([RED])
    assert verdict.correct is None
    assert verdict.reply == "The answer is unclear."


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("Yes", True), ("yes.", True), ('"No"', False), ("**No**, because", False),
        ("Yesterday", None), ("Nothing", None), ("", None), ("0", None), ("It does: yes", None),
    ],
)  # fmt: skip
def test_only_the_first_word_of_a_reply_counts(reply: str, expected: bool | None) -> None:
    assert parsed(reply) is expected


def test_a_prediction_that_names_a_placeholder_is_not_filled_in() -> None:
    text = filled(Claim("q", "GROUND_TRUTH", "gold"))
    assert 'the answer "GROUND_TRUTH" imply the answer "gold"' in text


def test_a_judge_without_key_or_server_says_which_variable_to_set(tmp_path: Path) -> None:
    config = JudgeConfig(name="gpt-4", api_key_variable="NO_SUCH_KEY")
    with pytest.raises(LynxError, match="NO_SUCH_KEY"):
        build_judge(config, cache_dir=tmp_path)


def test_an_unknown_rule_is_not_taken_for_a_served_model(tmp_path: Path) -> None:
    with pytest.raises(LynxError, match="no rule 'rule:v9'"):
        build_judge(JudgeConfig(name="rule:v9"), cache_dir=tmp_path)
