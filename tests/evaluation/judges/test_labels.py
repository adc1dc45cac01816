"""Files of verdicts, a judge's or a person's, and what two of them may be compared on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lynx.config.errors import LynxError
from lynx.evaluation.judges.comparing import Side, compared, of_files
from lynx.evaluation.judges.labels import read_labels
from lynx.evaluation.judges.rejudging import judge_files, judged_path
from lynx.evaluation.judges.rule import RuleJudge
from lynx.evaluation.results import Prediction, ResultFiles


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def _evaluated(folder: Path, *said: str) -> ResultFiles:
    files = ResultFiles(folder)
    files.begin({"key": "k"})
    files.finish(
        Prediction(f"q{i}", "Color", f"color {i}?", "red", "p", "", text)
        for i, text in enumerate(said)
    )
    return files


@pytest.mark.parametrize(
    "text",
    [
        "id,correct\r\nq1,yes\r\nq2,No\r\nq3,\r\n",
        "\ufeffcorrect, id\n1, q1\n0, q2\nunsure, q3\n",
        'id,correct,note\nq1,TRUE,"two\nlines"\nq2,wrong,\nq3,unparseable,x\n',
    ],
)
def test_a_persons_csv_is_read(tmp_path: Path, text: str) -> None:
    labels = read_labels(_write(tmp_path / "people.csv", text))
    assert labels == {"q1": True, "q2": False, "q3": None}


def test_json_lines_are_read_with_numbers_as_ids(tmp_path: Path) -> None:
    text = '{"id": 1, "correct": true}\n\n{"id": "b", "correct": null, "reply": "x"}\n'
    assert read_labels(_write(tmp_path / "v.jsonl", text)) == {"1": True, "b": None}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("v.csv", "id,right\nq1,yes\n", r"v\.csv, line 1: the header is id, right"),
        ("v.csv", "", r"v\.csv, line 1: the header is empty"),
        ("v.csv", "id,correct\nq1,maybe\n", r"v\.csv, line 2: correct is 'maybe'"),
        ("v.csv", "id,correct\nq1,yes\nq1,no\n", r"v\.csv, line 3: a second verdict on 'q1'"),
        ("v.csv", "id,correct\n", "holds no verdicts"),
        ("v.jsonl", '{"id": "a", "correct": true}\n{"id":', r"v\.jsonl, line 2: is no JSON"),
        ("v.jsonl", '{"id": "a"}', r"v\.jsonl, line 1: no 'correct'"),
        ("v.jsonl", "[1]", r"v\.jsonl, line 1: is no JSON object"),
    ],
)
def test_a_file_of_something_else_is_refused_with_file_and_line(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    with pytest.raises(LynxError, match=message):
        read_labels(_write(tmp_path / name, text))


def test_verdicts_on_different_answers_are_refused(tmp_path: Path) -> None:
    paths = []
    for name, said in (("a", "red"), ("b", "blue")):
        files = _evaluated(tmp_path / name, said)
        files.write_verdicts([{"id": "q0", "correct": True, "reply": ""}])
        paths.append(files.verdicts_path)
    with pytest.raises(LynxError, match="verdicts on different answers"):
        of_files(paths[0], paths[1], None)


def test_a_verdict_on_an_answer_that_was_asked_anew_is_refused(tmp_path: Path) -> None:
    files = _evaluated(tmp_path, "red", "blue")
    judge_files(files, RuleJudge())
    path = judged_path(files, "rule:v1")
    people = _write(tmp_path / "people.csv", "id,correct\nq0,yes\nq1,no\n")
    of_files(path, people, None)
    _evaluated(tmp_path, "red", "green")
    with pytest.raises(LynxError, match=r"line 2: the verdict on 'q1' is on another answer"):
        of_files(path, people, None)


def test_files_without_an_id_in_common_are_refused() -> None:
    with pytest.raises(LynxError, match="'1' and 'q1'"):
        compared(Side("a", {"1": True}), Side("b", {"q1": True}), None)


def test_pairs_know_their_category_and_type_and_the_rest_is_counted(tmp_path: Path) -> None:
    files = _evaluated(tmp_path / "eval", "red", "blue", "red")
    judge_files(files, RuleJudge())
    people = _write(tmp_path / "people.csv", "id,correct\nq1,no\nq0,no\nq9,yes\n")
    a, b, rows = of_files(judged_path(files, "rule:v1"), people, None)
    with pytest.raises(LynxError, match="have judged no answer in common"):
        compared(a, Side("b", {"x": True}), rows)
    pairs, counts = compared(a, b, rows)
    assert counts == (2, 1, 1)
    assert [(p.id, p.category, p.answer_type, p.a, p.b) for p in pairs] == [
        ("q0", "Color", "open", True, False),
        ("q1", "Color", "open", False, False),
    ]


def test_the_judges_file_holds_verdicts_in_the_predictions_order(tmp_path: Path) -> None:
    files = _evaluated(tmp_path, "red", "blue")
    verdicts = judge_files(files, RuleJudge())
    rows = [json.loads(line) for line in judged_path(files, "rule:v1").read_text().splitlines()]
    assert [(r["id"], r["correct"], r["reply"]) for r in rows] == [
        ("q0", True, "implied"),
        ("q1", False, "not contained"),
    ]
    assert [v.correct for v in verdicts] == [True, False]


def test_answers_without_a_ground_truth_are_not_judged(tmp_path: Path) -> None:
    files = ResultFiles(tmp_path)
    files.begin({"key": "k"})
    files.finish([Prediction("q0", "c", "describe", "", "p", "", "a cat")])
    with pytest.raises(LynxError, match="'q0' has no ground truth"):
        judge_files(files, RuleJudge())
