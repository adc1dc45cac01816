"""Reading Open-VQA's files and cutting benchmarks."""

from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lynx.config.errors import LynxError
from lynx.evaluation.benchmarks import open_vqa, owleval
from lynx.evaluation.questions import first_per_category, load_questions
from lynx.evaluation.results import Prediction
from tests.clips import make_clip
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
    with pytest.raises(LynxError, match=r"1 videos of .* are missing, the first is .*v/9.mp4"):
        load(path, kind="video")
    (tmp_path / "v/9").mkdir(parents=True)
    with pytest.raises(LynxError, match=r"v/9 holds 0 frames of 9.mp4, 5 are needed"):
        load(path, kind="video")
    for frame in range(9):
        (tmp_path / f"v/9/{frame:03}.png").write_bytes(png(frame))
    (question,) = load(path, kind="video")
    assert question.category == "Action (Y/N)"  # as the paper's tables spell it
    assert question.images == tuple(png(frame) for frame in (0, 2, 4, 6, 8))


def test_the_wrong_kind_and_a_missing_file_are_explained(tmp_path: Path) -> None:
    with pytest.raises(LynxError, match="no questions at"):
        load(tmp_path / "none.jsonl")
    with pytest.raises(LynxError, match="of that kind are 'world:video'"):
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


def test_a_cut_keeps_both_questions_of_a_picture_where_they_are_scored_together() -> None:
    pairs = [replace(make_question(i), image_name=f"{i // 2}.png") for i in range(20)]
    cut = first_per_category(pairs, 6, has_pairs=True)
    assert len(cut) == 6
    assert set(Counter(question.image_name for question in cut).values()) == {2}


def test_frames_are_decoded_from_a_video_file_as_well(tmp_path: Path) -> None:
    row = {"question": "Does it?", "answer": ["yes"], "index": 1, "video": "v/9.mp4",
           "class": "Others"}  # fmt: skip
    path = write_rows(tmp_path / "q.jsonl", [row])
    (tmp_path / "v").mkdir()
    shown = [Image.new("RGB", (64, 48), (shade,) * 3) for shade in range(0, 250, 25)]
    (tmp_path / "v/9.mp4").write_bytes(make_clip(images=shown))
    (question,) = load(path, kind="video")
    shades = [Image.open(io.BytesIO(image)).getpixel((4, 4))[0] for image in question.images]
    assert len(shades) == 5 and shades == sorted(shades) and shades[0] < 60 < 190 < shades[-1]
    (tmp_path / "v/9.mp4").write_bytes(b"no video")
    with pytest.raises(LynxError, match=r"v/9.mp4 can't be read as a video"):
        load(path, kind="video")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2: no JSON"),
        ("[]", "line 2: a list, where a mapping"),
        ('{"index": "1"}', "line 2: 'index' is missing or no int"),
        ('{"index": 1, "class": "C", "question": "q", "answer": "yes"}', "'answer' is .* no list"),
        ('{"index": 1, "class": "C", "question": "q", "answer": []}', "'answer' must be a list of"),
        ('{"index": true}', "line 2: 'index' is missing or no int"),
        (json.dumps(image_row(1, ["b"])), r"line 2: the index 1 stands at .*line 1 too"),
        ("[" * 100_000, "line 2: no JSON"),
        ('{"question": "\\ud83d"}', r"line 2: an escape such as \\ud83d stands alone"),
    ],
)
def test_a_malformed_line_of_open_vqa_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "q.jsonl"
    (tmp_path / "p").mkdir()
    (tmp_path / "p/1.png").write_bytes(png(1))
    path.write_text(json.dumps(image_row(1, ["a"])) + "\n" + line + "\n")
    with pytest.raises(LynxError, match=message):
        load(path)


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf\r\n \n"])
def test_an_empty_file_of_open_vqa_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "q.jsonl"
    path.write_bytes(content)
    with pytest.raises(LynxError, match=r"q\.jsonl holds no questions"):
        load(path)


def test_both_halves_of_a_character_are_one(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text('{"index": 1, "text_output": "\\ud83d\\ude00"}\n')
    known = [replace(make_question(1), id="1")]
    assert open_vqa.read_answers(path, known) == {"1": "\U0001f600"}


@pytest.mark.parametrize("id_", ["0", "17", "007", "²", "a1", "9" * 5000])
def test_answers_come_back_whatever_the_ids(tmp_path: Path, id_: str) -> None:
    question = replace(make_question(1), id=id_)
    one = Prediction(id_, "C", question.question, "a", "p", "q", "said", image_name="1.jpg")
    for form in (open_vqa, owleval):
        form.write_answers(tmp_path / "out.jsonl", [one])
        assert form.read_answers(tmp_path / "out.jsonl", [question]) == {id_: "said"}


def test_official_answers_come_back_as_they_were_written(tmp_path: Path) -> None:
    questions = [replace(make_question(i), id=str(i)) for i in range(3)]
    said = ["line\u2028end", "", 'quote " and \\ and ü']
    predictions = [
        Prediction(q.id, q.category, q.question, q.answer, q.picture, q.question, text)
        for q, text in zip(questions, said, strict=True)
    ]
    path = tmp_path / "out.jsonl"
    open_vqa.write_answers(path, predictions)
    assert json.loads(path.read_text().split("\n")[0]) == {"index": 0, "text_output": said[0]}
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert open_vqa.read_answers(path, questions) == dict(zip("012", said, strict=True))
    for line, message in (
        ('{"index": 2, "text_output": "again"}', "line 4: a second answer"),
        ('{"index": 9, "text_output": "x"}', "line 4: the benchmark has no question"),
        ('{"index": 2}', "line 4: a line is"),
        ('{"index": true, "text_output": "x"}', "line 4: a line is"),
    ):
        bad = tmp_path / "bad.jsonl"
        bad.write_bytes(path.read_bytes() + line.encode())
        with pytest.raises(LynxError, match=message):
            open_vqa.read_answers(bad, questions)
