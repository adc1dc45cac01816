"""`lynx mme` prints a run's or a results folder's scores beside what chance gives."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from lynx.cli.mme import mme as command
from lynx.config.errors import LynxError
from lynx.evaluation.benchmarks.mme import write_answers
from lynx.evaluation.results import Prediction, ResultFiles
from lynx.tracking.run_dir import RunDir
from tests.evaluation.benchmarks.mme_answers import messy_predictions, predict
from tests.fabricated import cells

_app = typer.Typer()
_app.command()(command)


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(_app, list(arguments))


def _answered(answers: list[tuple[str, str]]) -> list[Prediction]:
    return [
        predict("OCR", f"{number}.jpg", truth, answer)
        for number, pair in enumerate(answers)
        for truth, answer in zip(("Yes", "No"), pair, strict=True)
    ]


def test_results_files_are_printed_with_chance_and_other_rate(tmp_path: Path) -> None:
    write_answers(tmp_path, _answered([("yes", "no")] * 9 + [("I think so", "yes")]))
    text = _run(str(tmp_path)).output
    assert cells(text, "OCR") == [
        "10", "180.00", *cells(text, "OCR")[2:5], "90.0", "90.0", "5.0", "50.0",
        "30.0", "to", "125.0", "above",
    ]  # fmt: skip
    assert "perception (of 200)" in text and "cognition" not in text.split("missing")[0]
    assert "missing tasks: existence, count" in text
    assert "by the official rule" in text and 'every question ends "Please answer' in text
    assert "read differently" not in text


def test_protocols_show_the_scores_by_each_rule_and_the_answers(tmp_path: Path) -> None:
    write_answers(tmp_path, _answered([("y", "n"), ("yes", "no")]))
    report = tmp_path / "report.json"
    text = _run(str(tmp_path), "--protocols", "--json", str(report)).output
    assert ["100.00", "200.00", "100.00"] in [
        line.split()[1:] for line in text.split("\n") if line.startswith("OCR ")
    ]
    assert "read differently: 2 of 4 answers" in text
    assert cells(text, "OCR/0.jpg") == ["yes", "other", "yes", "other", "'y'"]
    content = json.loads(report.read_text())
    assert content["tasks"]["OCR"]["score"] == 100
    assert len(content["protocols"]["disagreements"]) == 2


def test_a_run_is_read_by_its_folder_and_by_that_of_the_evaluation(tmp_path: Path) -> None:
    folder = RunDir(tmp_path / "run").eval_dir("mme")
    ResultFiles(folder).finish(_answered([("yes", "no")] * 4))
    by_run, by_folder = _run(str(tmp_path / "run")).output, _run(str(folder)).output
    assert cells(by_run, "OCR")[:2] == cells(by_folder, "OCR")[:2] == ["4", "200.00"]


def test_the_heading_tells_of_another_prompt_and_of_plug_and_play(tmp_path: Path) -> None:
    asked = [
        replace(one, prompt="Is it?", description="a sign") for one in _answered([("yes", "no")])
    ]
    ResultFiles(tmp_path).finish(asked)
    text = _run(str(tmp_path)).output
    assert "no question ends" in text and "with plug-and-play" in text


def test_a_run_that_was_not_asked_says_so(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("")
    with pytest.raises(LynxError, match="has no answers to the benchmark 'mme'"):
        raise _run(str(tmp_path)).exception or AssertionError("it did not fail")


def test_all_tasks_fit_a_terminal(tmp_path: Path) -> None:
    write_answers(tmp_path, messy_predictions())
    result = _run(str(tmp_path), "--protocols")
    assert result.exit_code == 0
    lines = result.output.split("\n")[1:]  # the first has the folder's name
    assert max(len(line) for line in lines) <= 110
