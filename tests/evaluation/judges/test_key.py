"""The key of a served judge stands nowhere but in the request's header."""

from __future__ import annotations

import json
import logging
import pickle
import traceback
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from lynx.config.errors import LynxError
from lynx.evaluation.judges.secret import Secret
from lynx.evaluation.judges.served import ServedModel
from tests.chat_server import Fault, Server, body, broken_off, failure, half, hung_up, silent
from tests.evaluation.judges.conftest import KEY, asking

Build = Callable[..., ServedModel]


def _shown(text: str) -> list[str]:
    """The forms of the key, or a good part of it, that stand in the text."""
    forms = [KEY, quote(KEY, safe=""), KEY[:8], KEY[8:]]
    return [form for form in forms if form in text]


@pytest.mark.parametrize(
    "fault",
    [
        failure(401, "{key} is no key"), failure(429, "{key}", Retry_After_Ms="1"),
        failure(500, "{key}", X_Echo=KEY), body("<html>{key}</html>", "text/html"),
        body("." * 190 + "{key}"), body('{"model": "{key}", "choices": [{"message": {}}]}'),
        body(json.dumps({"error": quote(KEY, safe="")})), half, broken_off, hung_up, silent,
    ],
    ids=range(11),
)  # fmt: skip
def test_no_message_traceback_log_or_file_has_the_key_though_the_server_repeats_it(
    server: Server, build: Build, tmp_path: Path, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    caplog.set_level(logging.DEBUG)
    server.faults = [fault] * 2
    served = build(max_retries=1, timeout=0.2)
    with pytest.raises(LynxError) as caught:
        served.replies(asking("q"))
    chain, error = [], caught.value
    while error is not None:
        chain.append(error)
        error = error.__cause__ or error.__context__
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    texts = [str(one) + repr(one.args) for one in chain]
    texts += ["".join(shown.format()), "".join(traceback.format_exception(caught.value))]
    assert not _shown("\n".join(texts))
    assert caplog.records  # the client's libraries do log at this level
    assert not _shown(caplog.text)
    assert not _shown("".join(f.read_text() for f in tmp_path.rglob("*") if f.is_file()))
    assert {request["key"] for request in server.requests} == {f"Bearer {KEY}"}


def test_a_reply_that_repeats_the_key_is_kept_without_it(
    server: Server, build: Build, tmp_path: Path
) -> None:
    server.replies = [f"No: {KEY}"]
    (reply,) = build().replies(asking("q"))
    assert reply.text == "No: <key>"
    files = [f.read_text() for f in tmp_path.rglob("*.json")]
    assert len(files) == 1
    assert not _shown(files[0])


def test_a_served_model_and_its_parts_print_without_the_key(build: Build) -> None:
    served = build()
    parts = [served, vars(served), served._server, vars(served._server or object())]
    assert not _shown(repr(parts))


def test_a_key_prints_as_nothing_and_is_not_pickled() -> None:
    secret = Secret(KEY)
    assert f"{secret} {secret!r}" == "<key> <key>"
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_without_a_key_no_text_is_changed() -> None:
    assert Secret("").removed_from("Yes") == "Yes"
