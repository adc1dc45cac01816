"""Files of predictions that others made, and ours in the form that others read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lynx.baselines.exported import export_predictions
from lynx.baselines.imported import Imported, import_predictions, read_predictions
from lynx.baselines.record import read_record
from lynx.config.compose import compose
from lynx.config.errors import LynxError
from lynx.evaluation.results import ResultFiles
from tests.baselines.conftest import question
from tests.baselines.published import overrides

ANSWERS = {"11": "It is red.", "12": "green", "13": "two dogs", "14": "one"}  # three are right


def plain(path: Path, rows: list[Any], *, end: str = "\n", start: bytes = b"") -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_bytes(start + "".join(line + end for line in lines).encode())
    return path


def rows_of(answers: dict[str, str]) -> list[dict[str, str]]:
    return [{"id": name, "prediction": text} for name, text in answers.items()]


def imported(tmp_path: Path, path: Path, *, name: str = "mplug", **options: Any) -> Imported:
    config = compose(overrides=overrides(tmp_path))
    return import_predictions(path, config, name=name, benchmark="open_vqa_image", **options)


def files_of(made: Imported) -> ResultFiles:
    return ResultFiles(made.run_dir.eval_dir("open_vqa_image"))


def test_predictions_are_judged_as_any_other(tmp_path: Path) -> None:
    path = plain(tmp_path / "answers.jsonl", rows_of(ANSWERS))
    made = imported(tmp_path, path, note="from the authors")
    overall = made.scores.overall
    assert overall is not None and (overall.n, overall.correct) == (4, 3)
    assert [p.prediction for p in files_of(made).predictions()] == list(ANSWERS.values())
    assert [result.correct for result in files_of(made).results()] == [True, False, True, True]
    assert read_record(made.run_dir) == ("imported", None)
    protocol = files_of(made).protocol() or {}
    assert protocol["kind"] == "imported" and protocol["decoding"] == {"row": "unknown"}
    assert protocol["file"]["name"] == "answers.jsonl" and len(protocol["file"]["sha256"]) == 64
    assert protocol["prompts"] == "unknown"


def test_bom_crlf_empty_lines_and_numbers_as_ids_are_fine(tmp_path: Path) -> None:
    rows: list[Any] = [{"id": int(name), "prediction": text} for name, text in ANSWERS.items()]
    path = plain(tmp_path / "a.jsonl", ["", *rows, ""], end="\r\n", start=b"\xef\xbb\xbf")
    assert read_predictions(path, [], format_="open_vqa") == ANSWERS


def test_line_separators_within_an_answer_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": "1", "prediction": "a\u2028b\\nc\u0085"}\n', encoding="utf-8")
    assert read_predictions(path, [], format_="open_vqa") == {"1": "a\u2028b\nc\u0085"}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"id": "11", "prediction": "blue"}, "line 3: a second answer to question 11; .*line 1"),
        ({"id": "12"}, "line 3: `prediction` is a text, not None"),
        ({"id": "12", "prediction": 7}, "line 3: `prediction` is a text, not 7"),
        ({"id": True, "prediction": "x"}, "line 3: `id` is the question's id, not True"),
        ({"prediction": "x"}, "line 3: `id` is the question's id, not None"),
        ("{half", "line 3: no JSON"),
        ("[1]", "line 3: a list, where a mapping is wanted"),
    ],
)
def test_a_bad_line_is_named(row: Any, message: str, tmp_path: Path) -> None:
    path = plain(tmp_path / "a.jsonl", [*rows_of({"11": "red", "13": "two"}), row])
    with pytest.raises(LynxError, match=message):
        imported(tmp_path, path)
    assert not (tmp_path / "desk").exists()


def test_missing_answers_are_refused_unless_it_is_said_what_they_are(tmp_path: Path) -> None:
    path = plain(tmp_path / "a.jsonl", rows_of({"11": "red", "14": "one"}))
    with pytest.raises(LynxError, match="no answer to 2 of 4 questions of open_vqa_image: 12, 13"):
        imported(tmp_path, path)
    wrong = imported(tmp_path, path, name="wrong", missing="wrong")
    assert wrong.scores.overall is not None and wrong.missing == ["12", "13"]
    assert (wrong.scores.overall.n, wrong.scores.overall.correct) == (4, 2)
    left_out = imported(tmp_path, path, name="left_out", missing="leave-out")
    assert left_out.scores.overall is not None
    assert (left_out.scores.overall.n, left_out.scores.overall.correct) == (2, 2)
    protocols = [files_of(made).protocol() or {} for made in (wrong, left_out)]
    assert [p["on_missing"] for p in protocols] == ["wrong", "leave-out"]
    assert [p["num_questions"] for p in protocols] == [4, 2]
    assert protocols[0]["key"] != protocols[1]["key"]


def test_answers_to_no_question_are_told_and_left_out(tmp_path: Path) -> None:
    path = plain(tmp_path / "a.jsonl", rows_of({**ANSWERS, "99": "a dog"}))
    made = imported(tmp_path, path)
    assert made.unknown == ["99"] and made.num_used == 4
    assert (files_of(made).protocol() or {})["unknown"] == ["99"]


def test_a_file_about_other_questions_is_refused(tmp_path: Path) -> None:
    path = plain(tmp_path / "a.jsonl", rows_of({"q1": "red"}))
    with pytest.raises(LynxError, match=r"answers none of the 4 .* 11; its first id is q1"):
        imported(tmp_path, path, missing="wrong")


def test_official_results_go_in_and_out(tmp_path: Path) -> None:
    official = [{"index": int(name), "text_output": text} for name, text in ANSWERS.items()]
    made = imported(tmp_path, plain(tmp_path / "official.jsonl", official))
    assert made.scores.overall is not None and made.scores.overall.correct == 3
    out = tmp_path / "out.jsonl"
    assert export_predictions(made.run_dir, "open_vqa_image", out) == 4
    assert [json.loads(line) for line in out.read_text().splitlines()] == official
    with pytest.raises(LynxError, match="exists already"):
        export_predictions(made.run_dir, "open_vqa_image", out)
    with pytest.raises(LynxError, match="has not answered `open_vqa`; nearest is `open_vqa_image`"):
        export_predictions(made.run_dir, "open_vqa", tmp_path / "other")


def test_an_official_file_with_a_mistake_names_the_line(tmp_path: Path) -> None:
    path = plain(tmp_path / "official.jsonl", [{"index": 11, "text_output": "red"}, {"index": 12}])
    with pytest.raises(LynxError, match="line 2"):
        read_predictions(path, [question(0, id="11"), question(1, id="12")], format_="open_vqa")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(LynxError, match="no predictions at"):
        imported(tmp_path, tmp_path / "none.jsonl")


def test_a_run_that_answered_nothing_has_nothing_to_export(tmp_path: Path) -> None:
    from lynx.tracking.run_dir import RunDir

    with pytest.raises(LynxError, match="has not answered `mme`"):
        export_predictions(RunDir(tmp_path), "mme", tmp_path / "out")


def test_a_file_in_no_known_form_says_as_what_it_was_read(tmp_path: Path) -> None:
    for content in ("[" * 100_000, '[{"id": "11", "prediction": "red"}]', "11,red\n"):
        path = tmp_path / "answers"
        path.write_text(content)
        with pytest.raises(LynxError, match=r"read as official results: its first line"):
            imported(tmp_path, path)


def test_a_judge_that_cannot_be_asked_is_told_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    path = plain(tmp_path / "answers.jsonl", rows_of(ANSWERS))
    config = compose(overrides=[*overrides(tmp_path), "evaluation.judge.name=gpt-4-0613"])
    with pytest.raises(LynxError, match="OPENAI_API_KEY"):
        import_predictions(path, config, name="mplug", benchmark="open_vqa_image")
    assert not (tmp_path / "desk").exists()


def test_another_files_answers_are_not_replaced_and_the_same_file_may_come_again(
    tmp_path: Path,
) -> None:
    made = imported(tmp_path, plain(tmp_path / "first.jsonl", rows_of(ANSWERS)))
    before = files_of(made).predictions_path.read_bytes()
    other = plain(tmp_path / "second.jsonl", rows_of({**ANSWERS, "11": "blue"}))
    with pytest.raises(LynxError, match=r"holds the answers of another first.jsonl.* --as"):
        imported(tmp_path, other)
    assert files_of(made).predictions_path.read_bytes() == before
    imported(tmp_path, tmp_path / "first.jsonl")
    assert files_of(made).predictions_path.read_bytes() == before
