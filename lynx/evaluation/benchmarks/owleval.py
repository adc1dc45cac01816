"""OwlEval as published (mPLUG-Owl): questions.jsonl, pictures in cases/, files of answers.

There is no right answer in it: people rate (lynx/evaluation/people). Of its 82 questions about 50
pictures, 52 belong to 20 dialogues. A question's category says whether it stands alone or belongs
to a dialogue: that decides how it is asked. The published abilities (letters a to f) overlap, and
the first of them is "a" for every question, so it would separate nothing; `abilities` has them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from lynx.config.errors import LynxError
from lynx.evaluation.benchmarks.json_lines import as_index, json_lines
from lynx.evaluation.questions import Kind, Question
from lynx.evaluation.results import Prediction
from lynx.tracking.files import write_text_atomic

SINGLE_TURN, MULTI_TURN = "single_turn", "multi_turn"
# The six abilities that mPLUG-Owl's paper names; which letter is which follows from their use.
ABILITIES = {
    "a": "instruction understanding",
    "b": "visual understanding",
    "c": "optical character recognition",
    "d": "knowledge",
    "e": "reasoning",
    "f": "multi-turn dialogue",
}
# "Can't be traced back": stands in answer files where there is no answer of that model.
NO_ANSWER = "无法回溯"
_AROUND_NO_ANSWER = " \t\r\n.。"
_PICTURES = "cases"


@dataclass(frozen=True)
class AnswerFile:
    """What a file of answers holds for a benchmark's questions, by question id."""

    answers: dict[str, str]
    unanswered: tuple[str, ...]  # ids that hold the sentinel, which is nobody's answer
    missing: tuple[str, ...]  # ids without a line
    reworded: tuple[str, ...]  # ids whose line brings the question in other words
    model_id: str  # as the file names its model; "" where lines disagree or are silent


def load(path: Path, *, kind: Kind, num_frames: int) -> list[Question]:
    """Questions of questions.jsonl, or of the folder that holds it, in the file's order.

    Pictures lie in cases/ beside it; one that is named .jpg may be a PNG inside. `dialogue` is the
    name of the picture for the questions of a dialogue. num_frames: of no use here. Raises
    LynxError with file and line.
    """
    if kind != "image":
        raise LynxError(f"OwlEval's questions are about pictures: set kind to image, not {kind}")
    path = _questions_path(path)
    questions: list[Question] = []
    seen: set[str] = set()
    for where, row in json_lines(path):
        id_, image = _id(row, where), _text(row, "image", where)
        if id_ in seen:
            raise LynxError(f"{where}: a second question with the question_id {id_}")
        seen.add(id_)
        is_of_dialogue = _is_of_dialogue(row, where)
        questions.append(
            Question(
                index=len(questions),
                id=id_,
                category=MULTI_TURN if is_of_dialogue else SINGLE_TURN,
                question=_text(row, "question", where).strip(),
                answer="",
                kind=kind,
                images=(_picture(path.parent, image, where),),
                image_name=image,
                dialogue=image if is_of_dialogue else "",
            )
        )
    if not questions:
        raise LynxError(f"{path} holds no questions")
    return questions


def abilities(path: Path) -> dict[str, tuple[str, ...]]:
    """The abilities that each question is about, letters of ABILITIES, by question id."""
    return {
        _id(row, where): tuple(
            letter.strip() for letter in str(row.get("ability", "")).split(",") if letter.strip()
        )
        for where, row in json_lines(_questions_path(path))
    }


def read_answers(path: Path, questions: Sequence[Question]) -> dict[str, str]:
    """Answers by question id; those that hold the sentinel are left out. See `read_answer_file`."""
    return read_answer_file(path, questions).answers


def read_answer_file(path: Path, questions: Sequence[Question]) -> AnswerFile:
    """The answers of one published file (answer/*.jsonl), joined on `question_id` alone.

    Nothing else of a line identifies its question: four of the six files name pictures as .png
    where the questions say .jpg, and a quarter of the questions stand there in other words.
    """
    by_id = {question.id: question for question in questions}
    answers: dict[str, str] = {}
    unanswered, reworded, models = [], [], set()
    for where, row in json_lines(path):
        id_, answer = _id(row, where), _text(row, "answer", where)
        if id_ not in by_id:
            raise LynxError(f"{where}: the benchmark has no question with the question_id {id_}")
        if id_ in answers or id_ in unanswered:
            raise LynxError(f"{where}: a second answer to the question with the question_id {id_}")
        if answer.strip(_AROUND_NO_ANSWER) == NO_ANSWER:
            unanswered.append(id_)
        else:
            answers[id_] = answer.strip()
        if str(row.get("question", "")).strip() != by_id[id_].question:
            reworded.append(id_)
        models.add(str(row.get("model_id", "")))
    return AnswerFile(
        answers=answers,
        unanswered=tuple(unanswered),
        missing=tuple(id_ for id_ in by_id if id_ not in answers and id_ not in unanswered),
        reworded=tuple(reworded),
        model_id=models.pop() if len(models) == 1 else "",
    )


def write_answers(
    path: Path, predictions: Sequence[Prediction], *, model_id: str | None = None
) -> None:
    """Write a file of the published form; model_id: the file's name where None."""
    lines = [
        json.dumps(
            {
                "image": p.image_name,
                "question_id": as_index(p.id),
                "question": p.question,
                "answer": p.prediction,
                "model_id": path.stem if model_id is None else model_id,
            },
            ensure_ascii=False,
        )
        for p in predictions
    ]
    write_text_atomic(path, "".join(f"{line}\n" for line in lines))


def _questions_path(path: Path) -> Path:
    found = path / "questions.jsonl" if path.is_dir() else path
    if not found.is_file():
        raise LynxError(
            f"no questions at {found} (evaluation.benchmarks.*.questions): OwlEval's "
            "questions.jsonl, with its pictures in cases/ beside it, or 'world:owleval'"
        )
    return found


def _id(row: dict[str, Any], where: str) -> str:
    id_ = row.get("question_id")
    if isinstance(id_, bool) or not isinstance(id_, int | str) or not str(id_).strip():
        raise LynxError(f"{where}: 'question_id' is missing, or neither a number nor a text")
    return str(id_).strip()


def _text(row: dict[str, Any], key: str, where: str) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        raise LynxError(f"{where}: '{key}' is missing or no text")
    if key != "answer" and not value.strip():
        raise LynxError(f"{where}: '{key}' is empty")
    return value


def _is_of_dialogue(row: dict[str, Any], where: str) -> bool:
    """By its tags: a dialogue's first turn has both, and one published tag is "]single_turn"."""
    tags = row.get("category")
    tags = [tags] if isinstance(tags, str) else tags
    words = " ".join(str(tag) for tag in tags) if isinstance(tags, list) else ""
    if SINGLE_TURN not in words and MULTI_TURN not in words:
        raise LynxError(f"{where}: 'category' must hold {SINGLE_TURN}, {MULTI_TURN}, or both")
    return MULTI_TURN in words


def _picture(folder: Path, name: str, where: str) -> bytes:
    path = next(_candidates(folder, name), None)
    if path is None:
        raise LynxError(f"{where}: the picture {folder / _PICTURES / name} is missing")
    try:
        with Image.open(path):  # by what is inside, whatever the name says
            pass
    except (UnidentifiedImageError, OSError) as error:
        raise LynxError(f"{where}: {path} is no picture that can be read") from error
    return path.read_bytes()


def _candidates(folder: Path, name: str) -> Iterator[Path]:
    """The file of that name, or else one that differs only in its ending (1.png, 1.jpg)."""
    named = folder / _PICTURES / name
    if named.is_file():
        yield named
    yield from sorted(path for path in named.parent.glob("*.*") if path.stem == named.stem)
