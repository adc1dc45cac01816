"""VisIT-Bench's sheet and submissions, in the published layout."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import pytest

from lynx.config.errors import LynxError
from lynx.evaluation.benchmarks import visit_bench
from lynx.evaluation.benchmarks.visit_bench import read_sheet, read_submission
from lynx.evaluation.questions import Question
from lynx.evaluation.results import Prediction
from tests.fabricated import png

_COLUMNS = (
    "instruction_category", "image", "visual", "instruction", "gpt4_prediction",
    "image_dense_captions", "reference_output", "human_ratings_gpt4_correct",
    "human_ratings_problem_in_caption", "human_ratings_problem_in_gpt4", "public_images_metadata",
)  # fmt: skip
_HEADER = ("instruction", "instruction_category", "image", "m")
_BUCKET = "https://bucket.example/visit_images/"


def _row(name: str, instruction: str, *, right: str = "TRUE", faulty: str = "FALSE") -> list[str]:
    return [
        "Pop culture", f"{_BUCKET}{name}.png", "", instruction, f"an answer to {name}",
        f"a caption of\n{name}", "", right, faulty, "FALSE", "{}",
    ]  # fmt: skip


_ROWS = [
    _row("one", "Who, or what,\nis this?"),
    _row("two", "Is it “good”?", right="FALSE"),
    _row("three", "What's here?", faulty="TRUE"),
    _row("four", "A child’s story, please."),
    _row("four", "A child’s story, please."),  # the published sheet has one row twice
    _row("five", "Unrated?", right=""),
    _row("six", "Why?", right="true", faulty="0"),
]


def _write(path: Path, rows: Sequence[Sequence[str]], *, end: str = "\r\n", bom: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        stream.write(bom)
        csv.writer(stream, lineterminator=end).writerows(rows)
    return path


def _sheet(folder: Path, rows: Sequence[Sequence[str]] = _ROWS, **options: str) -> Path:
    path = _write(folder / "single_image_full_dataset.csv", [_COLUMNS, *rows], **options)
    for shade, name in enumerate(("one", "four", "six")):
        (folder / "visit_images").mkdir(exist_ok=True)
        (folder / "visit_images" / f"{name}.png").write_bytes(png(shade))
    return path


@pytest.fixture
def questions(tmp_path: Path) -> list[Question]:
    return visit_bench.load(_sheet(tmp_path / "sheet"), kind="image", num_frames=1)


@pytest.mark.parametrize("options", [{}, {"end": "\n"}, {"bom": "﻿"}])
def test_only_faultless_rows_are_asked_and_the_rest_is_counted(
    tmp_path: Path, options: dict[str, str]
) -> None:
    sheet = read_sheet(_sheet(tmp_path, **options))
    assert (sheet.num_rows, sheet.num_rejected, sheet.num_repeated) == (7, 3, 1)
    assert [q.id for q in sheet.questions] == ["1", "4", "7"]
    assert [q.index for q in sheet.questions] == [0, 1, 2]
    first = sheet.questions[0]
    assert first.question == "Who, or what,\nis this?"
    assert first.category == "Pop culture"
    assert first.answer == "an answer to one"
    assert first.caption == "a caption of\none"
    assert first.image_name == f"{_BUCKET}one.png"
    assert first.images == (png(0),)
    assert read_sheet(tmp_path).questions == sheet.questions  # the folder says it too


def test_pictures_may_lie_at_the_paths_of_a_column(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "p.png").write_bytes(png(9))
    rows = [[*_COLUMNS, "image_path"], [*_ROWS[0], "here/p.png"]]
    path = _write(tmp_path / "s.csv", rows)
    assert read_sheet(path).questions[0].images == (png(9),)
    _write(path, [[*_COLUMNS, "image_path"], [*_ROWS[0], "here/q.png"]])
    with pytest.raises(LynxError, match=r"1 pictures .* are missing"):
        read_sheet(path)


def test_missing_pictures_are_told_by_number_and_the_first(tmp_path: Path) -> None:
    path = _sheet(tmp_path)
    for name in ("four", "six"):
        (tmp_path / "visit_images" / f"{name}.png").unlink()
    with pytest.raises(LynxError, match=r"2 pictures .* the first is .*/four\.png"):
        read_sheet(path)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([_COLUMNS[1:]], "line 1: no column instruction_category"),
        ([_COLUMNS, _ROWS[0], _ROWS[1][:-1]], r"line 5: 10 fields, the header has 11"),
        ([_COLUMNS, _row("one", "a", right="maybe")], "line 2: human_ratings_gpt4_correct"),
        ([_COLUMNS, _row("one", "a", faulty="TRUE")], "none of 1 rows"),
        ([[*_COLUMNS, "image"]], "two columns have one name"),
        ([], "no column"),
    ],
)
def test_a_malformed_sheet_is_refused_with_its_line(
    tmp_path: Path, rows: list[list[str]], told: str
) -> None:
    with pytest.raises(LynxError, match=told):
        read_sheet(_write(tmp_path / "s.csv", rows))


def test_what_is_no_csv_in_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    with pytest.raises(LynxError, match="no file"):
        read_sheet(path)
    path.write_bytes(",".join(_COLUMNS).encode() + "\nchild’s".encode("cp1252"))
    with pytest.raises(LynxError, match="not UTF-8"):
        read_sheet(path)
    path.write_text(",".join(_COLUMNS) + '\n"no end,,,')
    with pytest.raises(LynxError, match="line 2"):
        read_sheet(path)


def test_there_are_no_videos(tmp_path: Path) -> None:
    with pytest.raises(LynxError, match="no videos"):
        visit_bench.load(_sheet(tmp_path), kind="video", num_frames=5)


def test_a_submission_comes_back_as_it_was_written(
    tmp_path: Path, questions: list[Question]
) -> None:
    said = ["plain\rwith a lone return", 'with "quotes", commas\nand lines\r\n', "  blanks ’ "]
    predictions = [
        Prediction(q.id, q.category, q.question, q.answer, q.picture, "", text,
                   image_name=q.image_name)
        for q, text in zip(questions, said, strict=True)
    ]  # fmt: skip
    path = tmp_path / "lynx.csv"
    visit_bench.write_answers(path, predictions, model="lynx(7B)")
    header = path.read_text().split("\n")[0]
    assert header == '"instruction","instruction_category","image","lynx(7B) prediction"'
    submission = read_submission(path, questions)
    assert submission.model == "lynx(7B)"
    assert list(submission.answers.values()) == said
    assert not (submission.unmatched or submission.unanswered or submission.repeated)
    assert visit_bench.read_answers(path, questions) == submission.answers


def test_rows_with_the_sheets_own_columns_are_read_too(
    tmp_path: Path, questions: list[Question]
) -> None:
    rows = [[*row, f"said of {row[1]}"] for row in _ROWS]
    path = _write(tmp_path / "m.csv", [[*_COLUMNS, "Otter predictions"], *rows])
    submission = read_submission(path, questions)
    assert submission.model == "Otter"
    assert len(submission.answers) == 3
    assert len(submission.unmatched) == 3  # rows of the sheet that are not asked
    assert not submission.unanswered


def test_a_changed_apostrophe_loses_no_answer_silently(
    tmp_path: Path, questions: list[Question]
) -> None:
    rows = [[q.question.replace("’", "'"), q.category, q.image_name, "x"] for q in questions]
    path = _write(tmp_path / "m.csv", [_HEADER, *rows])
    submission = read_submission(path, questions)
    assert len(submission.answers) == 2
    assert [key[1] for key in submission.unanswered] == ["A child’s story, please."]
    assert [key[1] for key in submission.unmatched] == ["A child's story, please."]
    assert "2 of 3 questions answered; 1 of 3 rows name no question" in submission.report
    assert "A child’s story" in submission.report and "A child's story" in submission.report
    with pytest.warns(UserWarning, match="2 of 3 questions answered"):
        assert visit_bench.read_answers(path, questions) == submission.answers


def test_of_two_answers_to_one_instruction_the_first_counts_and_the_second_is_told(
    tmp_path: Path, questions: list[Question]
) -> None:
    q = questions[1]
    rows = [[q.question, q.category, q.image_name, said] for said in ("first", "first", "second")]
    path = _write(tmp_path / "m.csv", [_HEADER, *rows])
    submission = read_submission(path, questions)
    assert submission.answers == {q.id: "first"}
    assert len(submission.repeated) == 1
    assert "second answers, left out: 1" in submission.report


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ([], "there is none"),
        (["a prediction", "b prediction"], "there are 'a prediction', 'b prediction'"),
        (["a prediction", "notes"], "there are 'a prediction', 'notes'"),
    ],
)
def test_exactly_one_column_may_hold_answers(
    tmp_path: Path, questions: list[Question], extra: list[str], told: str
) -> None:
    header = ["instruction", "instruction_category", "image", "idx", *extra]
    path = _write(tmp_path / "m.csv", [header, ["i", "c", "p", "0", *extra]])
    with pytest.raises(LynxError, match="line 1: exactly one column") as caught:
        read_submission(path, questions)
    assert told in str(caught.value)


def test_a_model_may_not_bear_the_name_of_a_column(tmp_path: Path) -> None:
    path = _write(tmp_path / "m.csv", [["instruction", "instruction_category", "image", "m"]])
    with pytest.raises(LynxError, match="no rows"):
        read_submission(path, [])
