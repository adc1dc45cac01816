"""A served model asked of a real local server that misbehaves in every way."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path

import pytest

from lynx.config.errors import LynxError
from lynx.evaluation.judges.served import Request, ServedModel
from lynx.evaluation.judges.transport import is_same_model, public_url
from tests.chat_server import (
    Fault,
    Server,
    body,
    broken_off,
    dripping,
    failure,
    half,
    hung_up,
    running_server,
    silent,
    slow,
)
from tests.evaluation.judges.conftest import asking

Build = Callable[..., ServedModel]


def test_replies_come_in_order_and_equal_requests_are_asked_once(
    server: Server, build: Build
) -> None:
    server.reply_to = lambda prompt: f"about {prompt}"
    prompts = [f"q{i % 20}" for i in range(60)]
    replies = build().replies(asking(*prompts))
    assert [reply.text for reply in replies] == [f"about {prompt}" for prompt in prompts]
    assert server.num_answered == 20


@pytest.mark.parametrize(
    "fault",
    [
        failure(429, Retry_After_Ms="1"), failure(429), failure(500), failure(503), failure(408),
        half, broken_off, hung_up, body("<html>busy</html>", "text/html"), body("{}"),
        body('{"error": {"message": "upstream"}}'), body('{"choices": []}'), body(""),
    ],
    ids=lambda fault: getattr(fault, "__name__", "fault"),
)  # fmt: skip
def test_what_may_pass_is_tried_again(server: Server, build: Build, fault: Fault) -> None:
    server.faults = [fault, fault]
    served = build()
    assert [reply.text for reply in served.replies(asking("q"))] == ["Yes"]
    assert len(server.requests) == 3
    assert served.usage.retries == 2


@pytest.mark.parametrize("fault", [silent, dripping])
def test_a_server_that_hangs_is_left_after_the_timeout(
    server: Server, build: Build, fault: Fault
) -> None:
    server.faults = [fault]
    assert build(timeout=1.0).replies(asking("q"))[0].text == "Yes"
    assert len(server.requests) == 2
    assert not server.has_ended_itself


def test_a_server_that_always_hangs_is_named_with_the_timeout(server: Server, build: Build) -> None:
    server.faults = [silent] * 2
    with pytest.raises(LynxError, match=r"sent no reply within 0\.2 s \(after 1 retries\)"):
        build(timeout=0.2, max_retries=1).replies(asking("q"))


def test_a_server_that_keeps_failing_is_reported_once_and_nothing_more_is_asked(
    server: Server, build: Build
) -> None:
    server.faults = [failure(500)] * 1000
    with pytest.raises(LynxError, match=r"'gpt-4' at http.*failed.*after 3 retries") as caught:
        build(concurrency=2).replies(asking(*(f"q{i}" for i in range(50))))
    assert "500" in str(caught.value)
    assert len(server.requests) <= 2 * 4


@pytest.mark.parametrize("as_date", [False, True])
def test_a_server_that_says_how_long_to_wait_is_given_that_time_by_all_threads(
    server: Server, build: Build, as_date: bool
) -> None:
    wait = formatdate(time.time() + 2, usegmt=True) if as_date else "1"
    server.faults = [failure(429, Retry_After=wait)]
    served = build(concurrency=1)
    start = time.monotonic()
    served.replies(asking("first", "second"))
    assert time.monotonic() - start >= 0.9
    assert [request["messages"][0]["content"] for request in server.requests] == [
        "first", "first", "second",
    ]  # fmt: skip


def test_a_server_that_asks_for_hours_is_not_waited_for(server: Server, build: Build) -> None:
    server.faults = [failure(429, Retry_After="7200")]
    with pytest.raises(LynxError, match="asks to be left alone for 7200 s"):
        build().replies(asking("q"))
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "fault", [failure(401), failure(404), failure(429, "code: insufficient_quota")]
)
def test_what_waiting_does_not_mend_is_not_tried_again(
    server: Server, build: Build, fault: Fault
) -> None:
    server.faults = [fault]
    with pytest.raises(LynxError, match="failed"):
        build().replies(asking("q"))
    assert len(server.requests) == 1


def test_a_server_that_is_not_there_is_reported(build: Build) -> None:
    with running_server("Yes") as gone:
        url = gone.url
    with pytest.raises(LynxError, match=f"at {url} failed: .*after 1 retries"):
        build(base_url=url, max_retries=1).replies(asking("q"))


def test_another_models_reply_is_refused_and_not_kept(
    server: Server, build: Build, tmp_path: Path
) -> None:
    server.model = "gpt-3.5-turbo-0125"
    with pytest.raises(LynxError, match=r"answered as 'gpt-3\.5-turbo-0125'.*judge\.name=gpt-3\.5"):
        build().replies(asking("q"))
    assert not list(tmp_path.rglob("*.json"))
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("asked", "reported"),
    [
        ("gpt-4", "gpt-4"), ("gpt-4", "gpt-4-0613"), ("gpt-4o", "gpt-4o-2024-08-06"),
        ("claude-x-latest", "claude-x-20241022"), ("llama3", "llama3:latest"),
        ("Llama-3-8B", "meta-llama/Llama-3-8B"), ("judge.Q4", "/models/judge.Q4.gguf"),
        ("meta/Llama", "llama"),
    ],
)  # fmt: skip
def test_a_dated_name_a_tag_or_a_path_is_the_same_model(asked: str, reported: str) -> None:
    assert is_same_model(asked, reported)


@pytest.mark.parametrize(
    ("asked", "reported"),
    [
        ("gpt-4", "gpt-4-turbo"), ("gpt-4", "gpt-4o"), ("gpt-4-0613", "gpt-4"),
        ("gpt-4-0613", "gpt-4-0314"), ("llama-3", "llama-3-70b"), ("gpt-4", "gpt-4-32k"),
        ("llama3:8b", "llama3:70b"), ("a", "b"), ("gpt-4", "gpt-4-32k-0613"),
    ],
)  # fmt: skip
def test_another_size_date_or_name_is_another_model(asked: str, reported: str) -> None:
    assert not is_same_model(asked, reported)


def test_a_reply_is_found_again_by_another_process_and_at_another_address(
    server: Server, build: Build
) -> None:
    build().replies(asking("q"))
    with running_server("No") as second:
        served = build(base_url=second.url)
        (reply,) = served.replies(asking("q"))
    assert (reply.text, reply.is_cached, len(second.requests)) == ("Yes", True, 0)
    assert served.usage.servers == {server.url: 1}  # which tells who had answered


def test_another_model_temperature_length_repeat_or_history_is_asked_anew(
    server: Server, build: Build
) -> None:
    build().replies(asking("q"))
    build(name="other").replies(asking("q"))
    build(temperature=1.0).replies(asking("q"))
    build(max_reply_tokens=7).replies(asking("q"))
    build().replies(asking("q", repeat=1))
    build().replies([Request(({"role": "system", "content": "s"}, *asking("q")[0].messages))])
    assert len(server.requests) == 6


@pytest.mark.parametrize("reply", [None, "", " \n"])
def test_an_empty_reply_is_kept_as_it_is_so_that_a_table_can_be_made_again(
    server: Server, build: Build, reply: str | None
) -> None:
    server.replies = [reply]
    assert build().replies(asking("q"))[0].text == (reply or "")
    assert build(offline=True).replies(asking("q"))[0].text == (reply or "")
    assert len(server.requests) == 1


def test_offline_nothing_is_asked_and_what_lacks_is_counted(server: Server, build: Build) -> None:
    build().replies(asking("a", "b"))
    offline = build(offline=True, api_key_variable="NOT_SET", base_url=None)
    assert [reply.is_cached for reply in offline.replies(asking("a", "b"))] == [True, True]
    with pytest.raises(LynxError, match="2 of 3 replies of the judge 'gpt-4' are not in"):
        offline.replies(asking("a", "c", "d", "c"))
    assert len(server.requests) == 2


def test_a_kept_reply_that_was_changed_or_cut_is_refused_with_its_file(
    server: Server, build: Build, tmp_path: Path
) -> None:
    build().replies(asking("q"))
    (path,) = tmp_path.rglob("*.json")
    content = json.loads(path.read_text())
    content["asked"]["messages"][0]["content"] = "another"
    for text in (json.dumps(content), path.read_text()[:-30], "[]"):
        path.write_text(text)
        for offline in (False, True):
            with pytest.raises(LynxError, match=path.name):
                build(offline=offline).replies(asking("q"))
    assert len(server.requests) == 1


def test_no_more_requests_run_at_a_time_than_allowed(server: Server, build: Build) -> None:
    server.faults = [slow(0.03)] * 12
    build(concurrency=3).replies(asking(*(f"q{i}" for i in range(12))))
    assert server.most_at_once == 3


def test_two_that_ask_the_same_at_the_same_time_pay_once(server: Server, build: Build) -> None:
    server.faults = [slow(0.1)] * 5
    requests = asking(*(f"q{i}" for i in range(5)))
    threads = [
        threading.Thread(target=lambda: build().replies(requests), daemon=True) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.num_answered == 5


def test_a_server_that_wants_the_newer_name_of_the_token_limit_gets_it(
    server: Server, build: Build
) -> None:
    server.faults = [failure(400, "'max_tokens' is not supported: use 'max_completion_tokens'")]
    assert build(max_reply_tokens=9).replies(asking("q"))[0].text == "Yes"
    assert [r.get("max_tokens") for r in server.requests] == [9, None]
    assert server.requests[1]["max_completion_tokens"] == 9


def test_an_address_is_shown_without_password_and_query() -> None:
    assert public_url("http://me:pw@host:80/v1/?key=1") == "http://host:80/v1"


def test_the_replies_before_a_failure_are_kept(server: Server, build: Build) -> None:
    build().replies(asking("a"))
    server.faults = [failure(500)] * 4
    with pytest.raises(LynxError):
        build().replies(asking("a", "b"))
    assert build().replies(asking("a", "b"))[0].is_cached
    assert server.num_answered == 2


def test_figures_are_of_what_was_asked_and_of_what_was_on_disk(
    server: Server, build: Build
) -> None:
    server.tokens, server.model = (100, 2), "gpt-4-0613"
    prices = {"input_price": 30.0, "output_price": 60.0}
    build(**prices).replies(asking("a", "b"))
    served = build(**prices)
    served.replies(asking("a", "b", "c"))
    usage = served.usage
    assert (usage.asked, usage.cached, usage.prompt_tokens, usage.completion_tokens) == (
        1,
        2,
        100,
        2,
    )
    assert usage.cost == pytest.approx(0.00312)
    assert usage.cached_cost == pytest.approx(2 * 0.00312)
    assert (usage.models, usage.is_bound) == ({"gpt-4-0613": 3}, False)
    assert build().usage.cost is None


def test_a_retried_request_is_the_same_request(server: Server, build: Build) -> None:
    server.faults = [failure(500)]
    build().replies(asking("q"))
    first, second = server.requests
    assert first == second


def test_ctrl_c_between_replies_keeps_what_has_come(server: Server, build: Build) -> None:
    def stop() -> None:
        if server.num_answered >= 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(concurrency=1).replies(asking(*(f"q{i}" for i in range(40))), progress=stop)
    asked = server.num_answered
    assert asked < 40
    build().replies(asking(*(f"q{i}" for i in range(40))))
    assert server.num_answered == 40
