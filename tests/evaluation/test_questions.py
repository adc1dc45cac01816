"""Reading Open-VQA's files and cutting benchmarks."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from lynx.config.errors import LynxError
from lynx.evaluation.questions import first_per_category, load_questions
from tests.fabricated import make_question, png


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def image_row(index: int, answer: list[str]) -> dict[str, Any]:
    return {"question": "What?", "answer": answer, "index": index, "image": f"p/{index}.png",
            "class": "Place", "dataset": "d", "origin_dataset": "o"}  # fmt: skip


def load(path: Path, kind: Any = "image") -> Any:
    return load_questions(str(path), kind=kind, cache_dir=path.parent, num_frames=5)


def test_open_vqa_pictures_are_read_beside_the_questions(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    for index in (33, 1):
        (tmp_path / f"p/{index}.png").write_bytes(png(index))
    path = write_rows(tmp_path / "q.jsonl", [image_row(33, ["a or b"]), image_row(1, ["c"])])
    questions = load(path)
    assert [(q.index, q.id, q.category, q.answer) for q in questions] == [
        (0, "33", "Place", "a or b"),
        (1, "1", "Place", "c"),
    ]
    assert questions[0].images == (png(33),)


def test_missing_pictures_are_counted_and_the_first_is_named(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "q.jsonl", [image_row(1, ["a"]), image_row(2, ["b"])])
    with pytest.raises(LynxError, match=r"2 pictures .* are missing, the first is .*p/1.png"):
        load(path)


def test_videos_are_read_from_folders_of_frames_evenly(tmp_path: Path) -> None:
    row = {"question": "Does it?", "answer": ["yes"], "index": 1, "video": "v/9.mp4",
           "class": "Action(Y/N)"}  # fmt: skip
    path = write_rows(tmp_path / "q.jsonl", [row])
    with pytest.raises(LynxError, match=r"v/9 holds 0 frames of 9.mp4, 5 are needed"):
        load(path, kind="video")
    (tmp_path / "v/9").mkdir(parents=True)
    for frame in range(9):
        (tmp_path / f"v/9/{frame:03}.png").write_bytes(png(frame))
    (question,) = load(path, kind="video")
    assert question.category == "Action (Y/N)"  # as the paper's tables spell it
    assert question.images == tuple(png(frame) for frame in (0, 2, 4, 6, 8))


def test_the_wrong_kind_and_a_missing_file_are_explained(tmp_path: Path) -> None:
    with pytest.raises(LynxError, match="no questions at"):
        load(tmp_path / "none.jsonl")
    with pytest.raises(LynxError, match="use 'world:video'"):
        load_questions("world:image", kind="video", cache_dir=tmp_path, num_frames=5)


def test_a_cut_keeps_the_same_questions_of_each_category_in_order() -> None:
    questions = [make_question(i, category="AB"[i % 2]) for i in range(20)]
    cut = first_per_category(questions, 3)
    assert Counter(q.category for q in cut) == {"A": 3, "B": 3}
    assert [q.index for q in cut] == sorted(q.index for q in cut)
    assert cut == first_per_category(questions, 3)
    assert first_per_category(questions, 0) == questions


def test_the_worlds_rows_become_questions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"id": "image-ocr-0000", "category": "OCR", "question": "what?", "answer": "cake",
           "kind": "image", "images": (png(1),)}  # fmt: skip
    monkeypatch.setattr("lynx.world.build.evaluation_questions", lambda kind, cache_dir: [row])
    (question,) = load(Path("world:image"))
    assert (question.index, question.id, question.category) == (0, "image-ocr-0000", "OCR")
    assert question.images == (png(1),)
