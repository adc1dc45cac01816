"""OwlEval's published files: questions, pictures with wrong endings, answers in six dialects."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lynx.config.errors import LynxError
from lynx.data.sample import UnreadableSampleError
from lynx.evaluation.benchmarks.owleval import (
    abilities,
    load,
    read_answer_file,
    read_answers,
    write_answers,
)
from lynx.evaluation.benchmarks.registry import format_of
from lynx.evaluation.padding import padded
from lynx.evaluation.questions import Question
from lynx.evaluation.results import Prediction

# The forms that the published rows have, with words of our own.
ROWS: list[dict[str, Any]] = [
    {"image": "1.jpg", "question_id": 1, "question": "What is odd here? ", "ability": "a,b,e",
     "category": ["single_turn"]},
    {"image": "2.jpg", "question_id": 2, "question": "Say why.", "ability": "a,b",
     "category": ["]single_turn"]},
    {"image": "3.jpg", "question_id": 3, "question": "How many rooms are there？", "ability": "a,c",
     "category": ["single_turn", "multi_turn"]},
    {"image": "3.jpg", "question_id": 4, "question": "And how large is the first",
     "ability": "a,c,f", "category": ["multi_turn"]},
    {"image": "4.jpg", "question_id": 5, "question": "Write a poem.\nMake it rhyme!",
     "ability": "a,b,d", "category": "single_turn"},
]  # fmt: skip


def picture(form: str, shade: int, size: tuple[int, int] = (6, 4)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, (shade, 0, 0)).save(stream, form)
    return stream.getvalue()


def write_lines(path: Path, rows: list[Any], *, end: str = "\n", start: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = start + end.join(json.dumps(row, ensure_ascii=False) for row in rows)
    path.write_text(text, "utf-8", newline="")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy in the published layout; 2.jpg is a PNG, and 4.jpg is there as 4.png."""
    write_lines(tmp_path / "questions.jsonl", ROWS)
    cases = tmp_path / "cases"
    cases.mkdir()
    (cases / "1.jpg").write_bytes(picture("JPEG", 10))
    (cases / "2.jpg").write_bytes(picture("PNG", 20))
    (cases / "3.jpg").write_bytes(picture("JPEG", 30))
    (cases / "4.png").write_bytes(picture("PNG", 40))
    return tmp_path


@pytest.fixture
def questions(folder: Path) -> list[Question]:
    return load(folder, kind="image", num_frames=5)


def test_questions_come_in_order_with_their_dialogues(questions: list[Question]) -> None:
    assert [(q.index, q.id, q.category, q.dialogue, q.image_name) for q in questions] == [
        (0, "1", "single_turn", "", "1.jpg"),
        (1, "2", "single_turn", "", "2.jpg"),
        (2, "3", "multi_turn", "3.jpg", "3.jpg"),
        (3, "4", "multi_turn", "3.jpg", "3.jpg"),
        (4, "5", "single_turn", "", "4.jpg"),
    ]
    assert questions[0].question == "What is odd here?"
    assert questions[2].question == "How many rooms are there？"
    assert questions[4].question == "Write a poem.\nMake it rhyme!"
    assert {q.answer for q in questions} == {""}
    assert questions[2].picture == questions[3].picture != questions[0].picture


def test_pictures_are_read_by_what_they_are(questions: list[Question], folder: Path) -> None:
    assert questions[1].images == ((folder / "cases" / "2.jpg").read_bytes(),)
    assert questions[1].images[0].startswith(b"\x89PNG")
    assert questions[4].images == ((folder / "cases" / "4.png").read_bytes(),)


def test_the_file_may_be_named_itself_and_have_a_bom_and_crlf(folder: Path) -> None:
    path = write_lines(folder / "questions.jsonl", ROWS, end="\r\n", start="\ufeff")
    assert [q.id for q in load(path, kind="image", num_frames=1)] == list("12345")


def test_abilities_are_kept_by_question(folder: Path) -> None:
    found = abilities(folder)
    assert found["1"] == ("a", "b", "e") and found["4"] == ("a", "c", "f")


def test_the_module_is_found_by_its_name() -> None:
    assert format_of("owleval").load is load


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"question_id": None}, r"line 2: 'question_id' is missing"),
        ({"question_id": True}, r"line 2: 'question_id' is missing"),
        ({"question_id": 1}, r"line 2: a second question with the question_id 1"),
        ({"question": "  "}, r"line 2: 'question' is empty"),
        ({"question": 7}, r"line 2: 'question' is missing or no text"),
        ({"image": None}, r"line 2: 'image' is missing or no text"),
        ({"image": "9.jpg"}, r"line 2: the picture .*cases/9.jpg is missing"),
        ({"category": []}, r"line 2: 'category' must hold"),
        ({"category": None}, r"line 2: 'category' must hold"),
    ],
)
def test_a_damaged_row_is_named_by_file_and_line(
    folder: Path, change: dict[str, Any], message: str
) -> None:
    write_lines(folder / "questions.jsonl", [ROWS[0], {**ROWS[1], **change}])
    with pytest.raises(LynxError, match=rf"questions\.jsonl, {message}"):
        load(folder, kind="image", num_frames=1)


def test_a_pointer_in_place_of_a_picture_is_found_at_once(folder: Path) -> None:
    (folder / "cases" / "2.jpg").write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(LynxError, match=r"line 2: .*2\.jpg is no picture"):
        load(folder, kind="image", num_frames=1)


def test_a_missing_file_and_a_video_are_refused_in_words(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(LynxError, match=r"no questions at .*nowhere.*with its pictures in cases"):
        load(tmp_path / "nowhere.jsonl", kind="image", num_frames=1)
    with pytest.raises(LynxError, match="set kind to image"):
        load(folder, kind="video", num_frames=1)
    (folder / "questions.jsonl").write_text('{"image": ')
    with pytest.raises(LynxError, match="line 1: no JSON"):
        load(folder, kind="image", num_frames=1)
    (folder / "questions.jsonl").write_text("\n")
    with pytest.raises(LynxError, match="holds no questions"):
        load(folder, kind="image", num_frames=1)


def answer(id_: Any, text: Any, **more: Any) -> dict[str, Any]:
    row = {"image": f"{id_}.png", "question_id": id_, "question": "in other words", "answer": text}
    return {**row, "model_id": "BLIP2", **more}


def test_answers_are_joined_on_the_id_alone(questions: list[Question], tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "a.jsonl",
        [
            answer(5, " a poem\nof two lines\n"),
            answer(3, ""),
            answer(1, "this", question="What is odd here?"),
        ],
    )
    found = read_answer_file(path, questions)
    assert found.answers == {"5": "a poem\nof two lines", "3": "", "1": "this"}
    assert found.missing == ("2", "4")
    assert found.reworded == ("5", "3")
    assert found.model_id == "BLIP2"
    assert read_answers(path, questions) == found.answers


@pytest.mark.parametrize("sentinel", ["无法回溯", "无法回溯. ", " 无法回溯\n", "无法回溯。"])
def test_the_sentinel_is_nobodys_answer(
    questions: list[Question], tmp_path: Path, sentinel: str
) -> None:
    rows = [answer(1, sentinel), answer(2, f"they wrote {sentinel} on the wall")]
    found = read_answer_file(write_lines(tmp_path / "a.jsonl", rows), questions)
    assert found.unanswered == ("1",)
    assert list(found.answers) == ["2"]
    assert found.missing == ("3", "4", "5")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (answer(9, "x"), "line 2: the benchmark has no question with the question_id 9"),
        (answer(1, "x"), "line 2: a second answer to the question with the question_id 1"),
        (answer(2, None), "line 2: 'answer' is missing or no text"),
        (answer(None, "x"), "line 2: 'question_id' is missing"),
        (["x"], "line 2: a list, where a mapping is wanted"),
    ],
)
def test_a_damaged_answer_is_named_by_file_and_line(
    questions: list[Question], tmp_path: Path, row: Any, message: str
) -> None:
    path = write_lines(tmp_path / "a.jsonl", [answer(1, "无法回溯"), row])
    with pytest.raises(LynxError, match=message):
        read_answers(path, questions)


def test_what_is_written_is_read_back_in_the_published_form(
    questions: list[Question], tmp_path: Path
) -> None:
    said = ["two\nlines", "tab\tand \u2028 odd space", "", '"quoted"', "无 chinese"]
    predictions = [
        Prediction(
            id=q.id, category=q.category, question=q.question, answer="", picture=q.picture,
            prompt=q.question, prediction=text, image_name=q.image_name, dialogue=q.dialogue,
        )
        for q, text in zip(questions, said, strict=True)
    ]  # fmt: skip
    path = tmp_path / "out" / "lynx.jsonl"
    write_answers(path, predictions)
    first = json.loads(path.read_text("utf-8").split("\n")[0])
    assert first == {
        "image": "1.jpg", "question_id": 1, "question": "What is odd here?",
        "answer": "two\nlines", "model_id": "lynx",
    }  # fmt: skip
    found = read_answer_file(path, questions)
    assert list(found.answers.values()) == said
    assert (found.reworded, found.missing, found.model_id) == ((), (), "lynx")
    write_answers(path, predictions, model_id="Lynx 7B")
    assert read_answer_file(path, questions).model_id == "Lynx 7B"


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def test_padding_puts_black_at_every_side_and_leaves_the_picture() -> None:
    inside = picture("PNG", 200, (6, 4))
    outside = pixels(padded(inside, 8))
    assert outside.shape == (4 + 16, 6 + 16, 3)
    assert np.array_equal(outside[8:-8, 8:-8], pixels(inside))
    outside = outside.copy()
    outside[8:-8, 8:-8] = 0
    assert not outside.any()


def test_padding_follows_the_turn_that_a_camera_noted_and_whitens_what_is_transparent() -> None:
    turned, stream = Image.new("RGB", (6, 4), "red"), io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    turned.save(stream, "JPEG", exif=exif)
    assert pixels(padded(stream.getvalue(), 1)).shape == (6 + 2, 4 + 2, 3)
    clear, stream = Image.new("RGBA", (2, 2), (9, 9, 9, 0)), io.BytesIO()
    clear.save(stream, "PNG")
    assert (pixels(padded(stream.getvalue(), 1))[1:-1, 1:-1] == 255).all()


def test_no_padding_gives_the_very_bytes_and_damaged_pictures_are_refused() -> None:
    data = picture("JPEG", 200)
    assert padded(data, 0) is data
    assert padded(data, 8) == padded(data, 8)
    with pytest.raises(UnreadableSampleError):
        padded(b"no picture", 8)
    with pytest.raises(LynxError, match="-1 pixels"):
        padded(data, -1)
