"""Batch files out and in: what comes back is what would have been asked, and nothing is hidden."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lynx.config.errors import LynxError
from lynx.evaluation.judges import batch
from lynx.evaluation.judges.base import Claim
from lynx.evaluation.judges.batch import export_batch, import_batch
from lynx.evaluation.judges.openai_compatible import OpenAICompatibleJudge
from lynx.evaluation.judges.secret import Secret
from lynx.evaluation.judges.served import ServedModel
from tests.chat_server import Server
from tests.evaluation.judges.conftest import KEY, asking

Build = Callable[..., ServedModel]
CLAIMS = [Claim("What color?", f"ball {i}", "ball 1") for i in range(4)]


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def _result(request: dict[str, Any], text: str = "Yes", **changes: Any) -> dict[str, Any]:
    """What a provider writes for one request of a batch."""
    body = {
        "model": changes.pop("model", "gpt-4-0613"),
        "choices": [{"message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 40, "completion_tokens": 1},
    }
    response = {"status_code": 200, "request_id": "r", "body": body}
    row = {"id": "b", "custom_id": request["custom_id"], "response": response, "error": None}
    return {**row, **changes}


def _write(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def test_a_batch_round_trip_gives_the_verdicts_without_asking_a_server(
    server: Server, build: Build, tmp_path: Path
) -> None:
    judge = OpenAICompatibleJudge(build(offline=True), repeats=2)
    out = tmp_path / "out.jsonl"
    assert export_batch(judge.served, judge.requests(CLAIMS), out).written == 8
    rows = _rows(out)
    assert {(row["method"], row["url"]) for row in rows} == {("POST", "/v1/chat/completions")}
    assert len({row["custom_id"] for row in rows}) == 8
    answers = [_result(row, "Yes" if 'ball 1" imply' in str(row["body"]) else "No") for row in rows]
    result = import_batch(_write(tmp_path / "in.jsonl", answers[::-1]), judge.served.store)
    assert (result.kept, result.known, result.problems) == (8, 0, [])
    verdicts = judge.judge(CLAIMS)
    assert [v.correct for v in verdicts] == [False, True, False, False]
    assert [v.repeats for v in verdicts] == [(False,), (True,), (False,), (False,)]
    assert judge.usage.servers == {"batch": 8}
    assert not server.requests


def test_a_batch_asks_exactly_what_the_server_would_have_been_asked(
    server: Server, build: Build, tmp_path: Path
) -> None:
    served = build()
    export_batch(served, asking("q"), tmp_path / "out.jsonl")
    served.replies(asking("q"))
    sent = {k: v for k, v in server.requests[0].items() if k not in ("path", "key")}
    assert _rows(tmp_path / "out.jsonl")[0]["body"] == sent


def test_what_has_a_reply_or_waits_for_one_is_not_exported(
    server: Server, build: Build, tmp_path: Path
) -> None:
    served = build()
    served.replies(asking("a"))
    first = export_batch(served, asking("a", "b", "b"), tmp_path / "1.jsonl")
    assert (first.written, first.already_replied, first.already_exported) == (1, 1, 0)
    second = export_batch(served, asking("a", "b", "c"), tmp_path / "2.jsonl")
    assert (second.written, second.already_replied, second.already_exported) == (1, 1, 1)
    third = export_batch(served, asking("b", "c"), tmp_path / "3.jsonl")
    assert third.written == 0
    assert not (tmp_path / "3.jsonl").exists()
    assert export_batch(served, asking("b", "c"), tmp_path / "4.jsonl", again=True).written == 2


def test_every_line_that_brings_no_reply_is_named_and_the_others_are_kept(
    build: Build, tmp_path: Path
) -> None:
    served = build(offline=True)
    prompts = asking(*"abcdefg")
    export_batch(served, prompts, tmp_path / "out.jsonl")
    rows = _rows(tmp_path / "out.jsonl")
    failed = {"status_code": 429, "body": {"error": {"message": "slow down"}}}
    path = _write(
        tmp_path / "in.jsonl",
        [
            _result(rows[0]),
            _result(rows[0], "No"),
            _result(rows[1], model="gpt-3.5-turbo"),
            _result(rows[2], response=failed),
            _result(rows[3], response=None, error={"code": "batch_expired", "message": "too late"}),
            _result({"custom_id": "0" * 64}),
            _result({"custom_id": "mine-7"}),
            _result(rows[4], response={"status_code": 200, "body": {"choices": []}}),
            _result(rows[5], "No"),
        ],
    )
    path.write_text(path.read_text() + '\n{"custom_id": "cut\n')
    result = import_batch(path, served.store)
    assert (result.kept, result.known, result.num_lines) == (2, 0, 10)
    for number, words in {
        2: "a second result", 3: "answered as 'gpt-3.5-turbo', asked was 'gpt-4'",
        4: "status 429, slow down", 5: "too late", 6: "was not exported to", 7: "none of ours",
        8: "no chat completion", 11: "is no result of a batch",
    }.items():  # fmt: skip
        assert [p for p in result.problems if f"line {number}: " in p and words in p], number
    texts = [reply.text for reply in served.replies([prompts[0], prompts[5]])]
    assert texts == ["Yes", "No"]
    # What failed at the server is free to be exported again; what is merely odd still waits.
    again = export_batch(served, prompts, tmp_path / "again.jsonl")
    assert again.written == 2


def test_importing_twice_changes_nothing(build: Build, tmp_path: Path) -> None:
    served = build(offline=True)
    export_batch(served, asking("a"), tmp_path / "out.jsonl")
    (row,) = _rows(tmp_path / "out.jsonl")
    import_batch(_write(tmp_path / "in.jsonl", [_result(row)]), served.store)
    again = import_batch(_write(tmp_path / "in.jsonl", [_result(row, "No")]), served.store)
    assert (again.kept, again.known, again.problems) == (0, 1, [])
    assert served.replies(asking("a"))[0].text == "Yes"


def test_a_reply_with_an_odd_line_separator_or_the_key_is_read_whole_and_kept_clean(
    build: Build, tmp_path: Path
) -> None:
    served = build(offline=True)
    export_batch(served, asking("a\u2028b"), tmp_path / "out.jsonl")
    (row,) = _rows(tmp_path / "out.jsonl")
    path = _write(tmp_path / "in.jsonl", [_result(row, f"No\u2028{KEY}")])
    assert import_batch(path, served.store, key=Secret(KEY)).kept == 1
    assert served.replies(asking("a\u2028b"))[0].text == "No\u2028<key>"


def test_more_than_a_batch_may_hold_is_refused_before_anything_is_written(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "MAX_REQUESTS", 2)
    with pytest.raises(LynxError, match="3 requests are more than one batch may hold"):
        export_batch(build(offline=True), asking("a", "b", "c"), tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()


def test_a_file_that_is_not_there_is_named(build: Build, tmp_path: Path) -> None:
    with pytest.raises(LynxError, match=r"none\.jsonl can't be read"):
        import_batch(tmp_path / "none.jsonl", build(offline=True).store)
