"""MME is read from the release's folders, of both layouts; what is malformed is named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from lynx.config.errors import LynxError
from lynx.evaluation.benchmarks import mme
from lynx.evaluation.questions import Question
from tests.evaluation.benchmarks.mme_answers import SUFFIX
from tests.fabricated import png

PAIR = (f"Is there a train?{SUFFIX}\tYes\n", f"Is there a bed?{SUFFIX}\tNo\n")


def _add(root: Path, task: str, picture: str, lines: Sequence[str] = PAIR, **split: bool) -> Path:
    """Write a picture and its text; returns the text's path."""
    folder = root / task
    pictures = folder / "images" if split.get("split") else folder
    texts = folder / "questions_answers_YN" if split.get("split") else folder
    for one in (pictures, texts):
        one.mkdir(parents=True, exist_ok=True)
    (pictures / picture).write_bytes(png(len(list(root.rglob("*")))))
    text = texts / f"{Path(picture).stem}.txt"
    text.write_bytes("".join(lines).encode())
    return text


def _load(root: Path) -> list[Question]:
    return mme.load(root, kind="image", num_frames=1)


def test_both_layouts_are_read_in_the_official_order(tmp_path: Path) -> None:
    _add(tmp_path, "OCR", "0002.JPG")
    _add(tmp_path, "OCR", "0001.png")
    _add(tmp_path, "scene", "Places365_val_00000001.jpg", split=True)
    _add(tmp_path, "existence", "000000006040.jpeg")
    questions = _load(tmp_path)
    names = ["existence/000000006040.jpeg", "scene/Places365_val_00000001.jpg"]
    names += ["OCR/0001.png", "OCR/0002.JPG"]
    assert [q.id for q in questions] == [f"{name}/{place}" for name in names for place in (0, 1)]
    assert [q.image_name for q in questions] == [name for name in names for _ in range(2)]
    assert [q.index for q in questions] == list(range(8))
    first, second = questions[:2]
    assert (first.category, first.answer, second.answer) == ("existence", "Yes", "No")
    assert first.question == "Is there a train? Please answer yes or no."
    assert first.picture == second.picture != questions[2].picture
    assert first.images[0] == (tmp_path / "existence" / "000000006040.jpeg").read_bytes()


@pytest.mark.parametrize("inner", ["MME_Benchmark_release_version", "MME_Benchmark"])
def test_the_folder_around_the_release_will_do(tmp_path: Path, inner: str) -> None:
    _add(tmp_path / inner, "count", "1.jpg")
    assert len(_load(tmp_path)) == 2


def test_line_ends_a_byte_order_mark_and_blanks_do_no_harm(tmp_path: Path) -> None:
    text = _add(tmp_path, "OCR", "1.png")
    _add(tmp_path, "count", "1.jpg")
    changed = "\ufeff" + PAIR[0].replace("\n", "\r\n") + PAIR[1].replace("No\n", "No \r\n\r\n")
    text.write_bytes(changed.encode())
    plain, of_windows = _load(tmp_path)[:2], _load(tmp_path)[2:]
    assert [(q.question, q.answer) for q in of_windows] == [(q.question, q.answer) for q in plain]


def test_what_a_mac_leaves_behind_is_no_picture(tmp_path: Path) -> None:
    _add(tmp_path, "OCR", "1.png")
    for name in ("._1.png", "._1.txt", ".DS_Store", "Thumbs.db"):
        (tmp_path / "OCR" / name).write_bytes(b"\0\xff")
    assert len(_load(tmp_path)) == 2


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["Is it?\tYes\n", "Is it not?\tNope\n"], r"1\.txt, line 2: .*must be Yes or No.*'Nope'"),
        (["Is it? Yes\n", "Is it not?\tNo\n"], r"1\.txt, line 1: a question, a tab"),
        (["Is it?\tYes\tx\n", "Is it not?\tNo\n"], r"1\.txt, line 1: a question, a tab"),
        (["\tYes\n", "Is it not?\tNo\n"], r"1\.txt, line 1: a question, a tab"),
        (["Is it?\tYes\n", "Is it not?\tYes\n"], r"1\.txt, line 2: a second question.*Yes"),
        (["Is it?\tYes\n"], r"1\.txt, line 2: a second question is missing"),
        (["a\tYes\n", "b\tNo\n", "c\tNo\n"], r"1\.txt, line 3: a second question.*No"),
        ([], r"1\.txt, line 1"),
    ],
)
def test_a_malformed_text_is_named_with_its_line(
    tmp_path: Path, lines: list[str], message: str
) -> None:
    _add(tmp_path, "OCR", "1.png", lines)
    with pytest.raises(LynxError, match=message):
        _load(tmp_path)


def test_a_text_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    _add(tmp_path, "OCR", "1.png").write_bytes(b"Caf\xe9?\tYes\n")
    with pytest.raises(LynxError, match=r"OCR/1\.txt can't be read as UTF-8"):
        _load(tmp_path)


def test_a_picture_and_its_text_need_each_other(tmp_path: Path) -> None:
    text = _add(tmp_path, "OCR", "1.png")
    questions = text.read_bytes()
    text.unlink()
    (tmp_path / "OCR" / "2.txt").write_bytes(questions)
    with pytest.raises(LynxError, match=r"OCR/1\.png has no questions"):
        _load(tmp_path)
    text.write_bytes(questions)
    with pytest.raises(LynxError, match=r"OCR/2\.txt has no picture"):
        _load(tmp_path)


def test_two_pictures_of_one_text_are_refused(tmp_path: Path) -> None:
    _add(tmp_path, "OCR", "1.png")
    _add(tmp_path, "OCR", "1.jpg")
    with pytest.raises(LynxError, match=r"share one text"):
        _load(tmp_path)


def test_a_folder_without_tasks_and_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LynxError, match="no questions of MME"):
        _load(tmp_path)
    with pytest.raises(LynxError, match="kind to image"):
        mme.load(tmp_path, kind="video", num_frames=4)
