"""`lynx judge ...` on a fabricated run, against a local server and without one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from lynx.cli.judge import judge_app
from lynx.config.compose import compose, config_text
from lynx.config.errors import LynxError
from lynx.evaluation.results import Prediction, ResultFiles
from lynx.tracking.files import write_text_atomic
from tests.chat_server import Server
from tests.evaluation.judges.conftest import KEY

SAID = ["red", "a red ball", "blue", "yes", "2", "red or blue"]
TRUE = ["red", "red", "red", "yes", "two", "red"]
Lynx = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that has answered six questions."""
    run = tmp_path / "runs" / "desk" / "lynx" / "seed0"
    write_text_atomic(run / "config.yaml", config_text(compose()))
    files = ResultFiles(run / "eval" / "open_vqa_image")
    files.begin({"key": "k"})
    files.finish(
        Prediction(f"q{i}", "Color" if i < 3 else "Others", f"what {i}?", true, "p", "", said)
        for i, (said, true) in enumerate(zip(SAID, TRUE, strict=True))
    )
    return run


@pytest.fixture
def lynx(monkeypatch: pytest.MonkeyPatch) -> Lynx:
    monkeypatch.setenv("A_KEY", KEY)

    def invoke(*arguments: object, fails: bool = False) -> Result:
        result = CliRunner().invoke(judge_app, [str(one) for one in arguments])
        assert (result.exception is not None) is fails, (result.output, result.exception)
        return result

    return invoke


def _served(server: Server) -> list[str]:
    return ["--judge", "gpt-4", "--base-url", server.url, "--key-variable", "A_KEY"]


def _line(text: str, start: str) -> list[str]:
    return next(line for line in text.split("\n") if line.startswith(start)).split()


def test_a_run_is_judged_by_a_server_and_again_offline_with_the_same_figures(
    server: Server, run: Path, lynx: Lynx
) -> None:
    server.tokens, server.model = (50, 1), "gpt-4-0613"
    server.replies = ["Yes", "No", "Hm", "Yes", "Yes", "No"]
    prices = ["--input-price", 30, "--output-price", 60, "--concurrency", 1]
    first = lynx("run", run, *_served(server), *prices).stdout
    assert _line(first, "Color")[1:4] == ["3", "1", "33.3"]
    assert _line(first, "overall")[1:4] == ["6", "3", "50.0"]
    assert "50.0 to 66.7" in first  # one of six is unparseable
    assert "6, of which 0 were on disk and 6 were asked for" in first
    assert "tokens: 300 in, 6 out" in first
    assert "cost: 0.0094 USD" in first
    assert "answered by: gpt-4-0613 (6)" in first
    again = lynx("run", run, "--judge", "gpt-4", "--offline", *prices).stdout
    assert _line(again, "overall") == _line(first, "overall")
    assert "6, of which 6 were on disk and 0 were asked for" in again
    assert "cost: 0.0000 USD; those on disk, when they were asked for: 0.0094 USD" in again
    assert len(server.requests) == 6
    rows = (run / "eval/open_vqa_image/judged/gpt-4.jsonl").read_text().splitlines()
    assert [json.loads(row)["correct"] for row in rows] == [True, False, None, True, True, False]
    assert not (run / "eval/open_vqa_image/verdicts.jsonl").exists()
    shown = "".join(f.read_text() for f in run.parents[1].rglob("*.json*"))
    assert KEY not in shown + first + again


def test_repeats_print_the_flips_and_kappa(server: Server, run: Path, lynx: Lynx) -> None:
    server.replies = ["Yes", "No", *["Yes"] * 5, *["No"] * 5]
    text = lynx("run", run, *_served(server), "--repeats", 2).stdout
    assert re.search(r"repeats: \d of 6 answers got different verdicts in 2 .*kappa -?0\.\d", text)


def test_a_failing_server_is_one_clear_message(server: Server, run: Path, lynx: Lynx) -> None:
    server.status = 401
    error = lynx("run", run, *_served(server), fails=True).exception
    assert isinstance(error, LynxError)
    assert "gpt-4" in str(error) and KEY not in str(error)


def test_a_budget_needs_prices_on_the_command_line_too(
    server: Server, run: Path, lynx: Lynx
) -> None:
    error = lynx("run", run, *_served(server), "--budget", 1, fails=True).exception
    assert isinstance(error, LynxError) and "input_price" in str(error)
    assert not server.requests


def test_two_judges_are_compared_on_a_run(server: Server, run: Path, lynx: Lynx) -> None:
    server.reply_to = lambda prompt: "No" if "blue" in prompt else "Yes"
    text = lynx(
        "agreement", run, "open_vqa_image", "--judge", "rule:v1", "--judge", "gpt-4",
        "--base-url", server.url,
    ).stdout  # fmt: skip
    assert "both judged 6 answers; only A 0, only B 0" in text
    assert _line(text, "A yes")[2:] == ["4", "0", "0"]
    assert _line(text, "A no")[2:] == ["0", "2", "0"]
    for group in ("all", "yes/no", "number", "open", "category Color", "category Others"):
        assert _line(text, group)
    assert "[88.8, 97.8]" in text


def test_a_judge_is_compared_with_a_persons_labels(run: Path, lynx: Lynx, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("id,correct\nq0,yes\nq1,yes\nq2,no\nq3,no\nq7,no\n")
    text = lynx("agreement", run, "open_vqa_image", "--judge", "rule:v1", "--labels", people).stdout
    assert "both judged 4 answers; only A 2, only B 1" in text
    assert _line(text, "all")[1:3] == ["4", "3"]
    lynx("run", run, "--judge", "rule:v1")
    judged = run / "eval/open_vqa_image/judged/rule-v1.jsonl"
    of_files = lynx("agreement", judged, people).stdout
    assert of_files.split("\n")[2:] == text.split("\n")[2:]


def test_agreement_says_what_it_takes(run: Path, lynx: Lynx) -> None:
    error = lynx("agreement", run, "open_vqa_image", "--judge", "rule:v1", fails=True).exception
    assert isinstance(error, LynxError) and "--judge A --judge B" in str(error)


def test_a_batch_goes_out_and_comes_back(run: Path, lynx: Lynx, tmp_path: Path) -> None:
    out, back = tmp_path / "out.jsonl", tmp_path / "back.jsonl"
    named: list[Any] = [run, "open_vqa_image", "--judge", "gpt-4", "--out", out]
    assert "6 requests to 'gpt-4'" in lynx("export", *named).stdout
    assert "nothing to ask 'gpt-4': 0 have a reply, 6 wait" in lynx("export", *named).stdout
    results = []
    for line in out.read_text().splitlines():
        body = {"model": "gpt-4-0613", "choices": [{"message": {"content": "Yes"}}]}
        response = {"status_code": 200, "body": body}
        results.append({"custom_id": json.loads(line)["custom_id"], "response": response})
    results[-1]["response"] = {"status_code": 500, "body": None}
    back.write_text("".join(json.dumps(row) + "\n" for row in results))
    imported = lynx("import", back, "--run", run, fails=True)
    assert (
        "6 lines; 5 replies kept, from gpt-4-0613 (5); 0 were there already; 1" in imported.stdout
    )
    assert "line 6" in imported.stderr and "status 500" in imported.stderr
    error = lynx("run", run, "--judge", "gpt-4", "--offline", fails=True).exception
    assert "1 of 6 replies" in str(error)
    assert "1 requests to 'gpt-4'" in lynx("export", *named).stdout


def test_a_misspelt_benchmark_and_a_wrong_folder_are_named(
    run: Path, lynx: Lynx, tmp_path: Path
) -> None:
    error = lynx("run", run, "--benchmark", "open_vqa_imge", fails=True).exception
    assert "open_vqa_image" in str(error)
    error = lynx("run", tmp_path, fails=True).exception
    assert isinstance(error, LynxError) and "is no run's folder" in str(error)


def test_a_rule_asks_no_server_and_is_not_exported(run: Path, lynx: Lynx, tmp_path: Path) -> None:
    error = lynx("export", run, "open_vqa_image", "--out", tmp_path / "x", fails=True).exception
    assert isinstance(error, LynxError) and "'rule:v1' asks no server" in str(error)
    assert _line(lynx("run", run).stdout, "overall")[1:3] == ["6", "4"]


def test_empty_replies_alone_are_asked_again_on_request(
    server: Server, run: Path, lynx: Lynx
) -> None:
    server.replies = ["Yes", "", "Hm", " ", "Yes", "No", "Yes"]
    named = [run, *_served(server)]
    first = lynx("run", *named).stdout
    assert _line(first, "overall")[-4] == "3"  # unparseable, then the bounds
    again = lynx("run", *named, "--ask-empty-again").stdout
    assert "empty replies asked again: 2" in again
    assert len(server.requests) == 8
    assert _line(again, "overall")[-4] == "1"
    error = lynx("run", *named, "--ask-empty-again", "--offline", fails=True).exception
    assert isinstance(error, LynxError)


def test_answers_of_a_model_that_is_not_ours_are_judged_too(run: Path, lynx: Lynx) -> None:
    (run / "config.yaml").unlink()
    assert _line(lynx("run", run).stdout, "overall")[1:3] == ["6", "4"]
