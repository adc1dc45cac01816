"""MME's official results files go out and come back; a shuffled file is scored rightly."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from lynx.config.errors import LynxError
from lynx.evaluation.benchmarks import mme
from lynx.evaluation.benchmarks.mme_results import read_rows
from lynx.evaluation.benchmarks.mme_scoring import official_label, score_mme
from lynx.evaluation.benchmarks.mme_tasks import TASKS, rows_of
from lynx.evaluation.questions import Question
from lynx.evaluation.results import Prediction
from tests.evaluation.benchmarks.mme_answers import (
    OFFICIAL_SCORES,
    SIZES,
    SUFFIX,
    messy_predictions,
    predict,
)

NAMES = ("b.jpg", "a.jpg", "c.PNG")
GOOD = f"a.jpg\tYes?{SUFFIX}\tYes\tyes\na.jpg\tNo?{SUFFIX}\tNo\tno\n"


def _question(prediction: Prediction, index: int = 0) -> Question:
    return Question(
        index, prediction.id, prediction.category, prediction.question, prediction.answer,
        "image", (b"",), image_name=prediction.image_name,
    )  # fmt: skip


def _predictions(task: str = "OCR") -> list[Prediction]:
    """No before Yes, and pictures in no order."""
    return [
        predict(task, name, truth, f"{truth}, {name}") for name in NAMES for truth in ("No", "Yes")
    ]


def _write(path: Path, text: str, task: str = "OCR") -> None:
    path.mkdir(exist_ok=True)
    (path / f"{task}.txt").write_bytes(text.encode())


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    predictions = _predictions("OCR") + _predictions("count")
    mme.write_answers(tmp_path / "out", predictions)
    questions = [_question(p) for p in predictions]
    answers = mme.read_answers(tmp_path / "out", questions)
    assert answers == {p.id: p.prediction for p in predictions}


def test_lines_stand_as_the_official_script_pairs_them(tmp_path: Path) -> None:
    """Pictures by name, Yes before No; four columns."""
    mme.write_answers(tmp_path / "out", _predictions())
    lines = (tmp_path / "out" / "OCR.txt").read_text().splitlines()
    assert lines[0] == f"a.jpg\tYes?{SUFFIX}\tYes\tYes, a.jpg"
    assert [line.split("\t")[0] for line in lines] == [n for n in sorted(NAMES) for _ in range(2)]
    assert [line.split("\t")[2] for line in lines] == ["Yes", "No"] * 3


def test_tabs_and_line_ends_in_an_answer_change_neither_file_nor_score(tmp_path: Path) -> None:
    texts = ("\tyes", "\nno", "\r\nno", "ye\ts", "no\r", "\n\n\n\nyes", "\udc80yes", "\x0cyes")
    predictions = [
        predict("OCR", f"{number}.jpg", truth, text)
        for number, text in enumerate(texts)
        for truth in ("Yes", "No")
    ]
    mme.write_answers(tmp_path / "out", predictions)
    rows = read_rows(tmp_path / "out")
    assert score_mme(rows) == score_mme(rows_of(predictions))
    for row in rows:
        original = texts[int(row.image.removesuffix(".jpg"))]
        assert len(row.answer) == len(original)
        assert official_label(row.answer) == official_label(original)
    assert rows[6].answer == "ye s"


def test_a_shuffled_file_is_scored_rightly(tmp_path: Path) -> None:
    """The official script, which pairs lines by their place, gives another accuracy+ for it."""
    mme.write_answers(tmp_path, messy_predictions())
    for number, task in enumerate(TASKS):
        path = tmp_path / f"{task}.txt"
        lines = path.read_text("utf-8").split("\n")[:-1]
        random.Random(number).shuffle(lines)
        assert [line.split("\t")[0] for line in lines[::2]] != [
            line.split("\t")[0] for line in lines[1::2]
        ]
        path.write_bytes("\n".join(lines).encode())
    scores = score_mme(read_rows(tmp_path)).tasks
    assert {task: repr(one.score) for task, one in scores.items()} == OFFICIAL_SCORES


def test_line_ends_a_byte_order_mark_and_no_final_newline_do_no_harm(tmp_path: Path) -> None:
    for number, text in enumerate(
        (GOOD, GOOD.replace("\n", "\r\n"), "\ufeff" + GOOD, GOOD[:-1], GOOD + "\n\n")
    ):
        _write(tmp_path / str(number), text)
        rows = read_rows(tmp_path / str(number))
        assert [(row.image, row.truth, row.answer) for row in rows] == [
            ("a.jpg", "yes", "yes"), ("a.jpg", "no", "no"),
        ]  # fmt: skip


def test_an_answer_keeps_its_blanks(tmp_path: Path) -> None:
    _write(tmp_path, GOOD.replace("\tyes\n", "\t  yes \n").replace("\tno\n", "\t\n"))
    assert [row.answer for row in read_rows(tmp_path)] == ["  yes ", ""]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD.replace("\tyes\n", "\n"), r"OCR\.txt, line 1: 3 columns, where 4"),
        (GOOD.replace("\tno\n", "\tno\tindeed\n"), r"OCR\.txt, line 2: 5 columns, where 4"),
        (GOOD.replace("\tyes\n", "\tyes,\nit is\n"), r"OCR\.txt, line 2: 1 columns, where 4"),
        (GOOD.replace("\n", "\n\n", 1), r"OCR\.txt, line 2: 1 columns, where 4"),
        (GOOD.replace("\tYes\t", "\tYes \t"), r"OCR\.txt, line 1: .*must be Yes or No.*'Yes '"),
        (GOOD.replace("\tNo\t", "\tother\t"), r"OCR\.txt, line 2: .*must be Yes or No.*'other'"),
        (GOOD + GOOD.split("\n")[0] + "\n", r"OCR\.txt, line 3"),
        (GOOD.split("\n")[0], r"OCR\.txt"),
    ],
)
def test_a_malformed_file_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    """With the benchmark's questions at hand and without."""
    _write(tmp_path, text)
    asked = [_question(predict("OCR", "a.jpg", truth, "")) for truth in ("Yes", "No")]
    with pytest.raises(LynxError, match=message):
        read_rows(tmp_path)
    with pytest.raises(LynxError, match=message):
        mme.read_answers(tmp_path, asked)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("a.jpg\tNo", "x.jpg\tNo"),
            r"OCR\.txt, line 2: the benchmark's OCR has no picture x\.jpg",
        ),
        (("No?", "Why?"), r"OCR\.txt, line 2: the question 'Why\?.*is not asked about a\.jpg"),
        (("\tNo\t", "\tYes\t"), r"OCR\.txt, line 2: the third column says yes, the benchmark No"),
        (("No?", "Yes?"), r"OCR\.txt, line 2: the third column says no, the benchmark Yes"),
    ],
)
def test_a_file_of_another_benchmark_is_named_with_its_line(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    _write(tmp_path, GOOD.replace(*change))
    asked = [_question(predict("OCR", "a.jpg", truth, "")) for truth in ("Yes", "No")]
    with pytest.raises(LynxError, match=message):
        mme.read_answers(tmp_path, asked)


def test_pictures_without_answers_are_counted(tmp_path: Path) -> None:
    _write(tmp_path, GOOD)
    asked = [_question(p) for p in _predictions()]
    with pytest.raises(LynxError, match=r"OCR\.txt: 4 of 6 questions are not answered"):
        mme.read_answers(tmp_path, asked)


def test_a_missing_task_is_left_to_the_report(tmp_path: Path) -> None:
    _write(tmp_path, GOOD)
    pair = [predict(task, "a.jpg", t, "") for task in ("OCR", "scene") for t in ("Yes", "No")]
    answers = mme.read_answers(tmp_path, [_question(p) for p in pair])
    assert sorted(answers) == ["OCR/a.jpg/No", "OCR/a.jpg/Yes"]
    assert "scene" in score_mme(read_rows(tmp_path)).missing


def test_the_request_for_yes_or_no_may_be_left_out_of_a_file(tmp_path: Path) -> None:
    """lmms-eval replaces it."""
    _write(tmp_path, GOOD.replace(SUFFIX, " "))
    asked = [_question(predict("OCR", "a.jpg", truth, "")) for truth in ("Yes", "No")]
    assert mme.read_answers(tmp_path, asked) == {"OCR/a.jpg/Yes": "yes", "OCR/a.jpg/No": "no"}


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LynxError, match=f"{re.escape(str(tmp_path))} is no folder of MME results"):
        read_rows(tmp_path)


def test_answers_are_not_mixed_with_those_of_another_model(tmp_path: Path) -> None:
    mme.write_answers(tmp_path, _predictions("scene"))
    with pytest.raises(LynxError, match=r"already has answers of other tasks \(scene\)"):
        mme.write_answers(tmp_path, _predictions("OCR"))


def test_half_a_pair_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(LynxError, match="two questions about each picture"):
        mme.write_answers(tmp_path / "out", _predictions()[:3])
    assert not (tmp_path / "out").exists()


def test_all_tasks_get_a_file(tmp_path: Path) -> None:
    mme.write_answers(tmp_path, messy_predictions())
    assert {path.stem for path in tmp_path.iterdir()} == set(SIZES) == set(TASKS)


def test_an_empty_file_is_no_task_that_is_missing(tmp_path: Path) -> None:
    lines = "a.jpg\tq\tYes\tyes\na.jpg\tr\tNo\tno\n"
    (tmp_path / "OCR.txt").write_text(lines)
    (tmp_path / "color.txt").write_bytes(b"\xef\xbb\xbf\r\n")
    with pytest.raises(LynxError, match=r"color\.txt, line 1: the file is empty"):
        read_rows(tmp_path)
