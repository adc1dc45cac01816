"""MME as published: folders of pictures with two questions each, and official results files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lynx.config.errors import LynxError
from lynx.evaluation.benchmarks.mme_results import read_answers, read_lines, write_answers
from lynx.evaluation.benchmarks.mme_scoring import official_label, score_mme
from lynx.evaluation.benchmarks.mme_tasks import TASKS, image_name, is_truth, rows_of
from lynx.evaluation.questions import Kind, Question
from lynx.evaluation.results import Prediction

__all__ = ["details", "is_correct", "load", "read_answers", "write_answers"]

_PICTURES_DIR, _QUESTIONS_DIR = "images", "questions_answers_YN"
_PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff")
_INNER_DIRS = ("", "MME_Benchmark_release_version", "MME_Benchmark")


def load(path: Path, *, kind: Kind, num_frames: int) -> list[Question]:
    """Questions of the release's folder, in the official order of tasks and pictures.

    A task's folder has `images/` and `questions_answers_YN/`, or pictures and texts side by side; a
    text has two lines, a question and, after a tab, Yes or No. Tasks whose folders are missing are
    left out. num_frames: unused, as there are no videos. Raises LynxError with file and line.
    """
    if kind != "image":
        raise LynxError("MME asks about pictures: set evaluation.benchmarks.*.kind to image")
    root = _root(path)
    questions: list[Question] = []
    for task in TASKS:
        if (root / task).is_dir():
            questions += _task_questions(root / task, task, first_index=len(questions))
    return questions


def is_correct(prediction: Prediction) -> bool:
    """Whether the official rule finds the right answer; neither yes nor no is wrong."""
    return official_label(prediction.prediction) == prediction.answer.lower()


def details(predictions: Iterable[Prediction]) -> dict[str, Any]:
    """The official scores, as plain mappings; see `mme_scoring.MmeReport`."""
    return score_mme(rows_of(predictions)).as_json()


def _root(path: Path) -> Path:
    """The folder of the tasks' folders: `path`, or a folder of the release in it."""
    inner = [path / name for name in _INNER_DIRS]
    inner.append(path / _INNER_DIRS[1] / _INNER_DIRS[2])
    for folder in inner:
        if any((folder / task).is_dir() for task in TASKS):
            return folder
    raise LynxError(
        f"no questions of MME at {path} (evaluation.benchmarks.*.questions): a folder like "
        f"MME_Benchmark_release_version is wanted, with a folder {TASKS[0]}/ or that of another "
        "task in it"
    )


def _task_questions(folder: Path, task: str, *, first_index: int) -> list[Question]:
    is_split = (folder / _QUESTIONS_DIR).is_dir()
    texts_dir = folder / _QUESTIONS_DIR if is_split else folder
    pictures = _by_stem(folder / _PICTURES_DIR if is_split else folder)
    # macOS leaves "._NAME" beside its files.
    texts = [f for f in texts_dir.glob("*.txt") if not f.name.startswith(".")]
    if not texts:
        raise LynxError(f"{texts_dir} has no questions: a .txt file per picture is wanted")
    unasked = sorted(set(pictures) - {text.stem for text in texts})
    if unasked:
        raise LynxError(f"{pictures[unasked[0]]} has no questions: {texts_dir}/{unasked[0]}.txt")
    questions: list[Question] = []
    for text in sorted(texts, key=lambda text: _picture_of(text, pictures).name):
        picture = _picture_of(text, pictures)
        name, content = image_name(task, picture.name), picture.read_bytes()
        for place, (question, answer) in enumerate(_pair(text)):
            questions.append(
                Question(
                    index=first_index + len(questions),
                    id=f"{name}/{place}",
                    category=task,
                    question=question,
                    answer=answer,
                    kind="image",
                    images=(content,),
                    image_name=name,
                )
            )
    return questions


def _by_stem(folder: Path) -> dict[str, Path]:
    """The pictures of a folder, by the name of their text without its ending."""
    if not folder.is_dir():
        raise LynxError(f"{folder} is missing: the release has a task's pictures there")
    pictures: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() not in _PICTURE_ENDINGS or file.name.startswith("."):
            continue
        if file.stem in pictures:
            raise LynxError(
                f"{file} and {pictures[file.stem].name} share one text of questions: keep one"
            )
        pictures[file.stem] = file
    return pictures


def _picture_of(text: Path, pictures: dict[str, Path]) -> Path:
    if text.stem not in pictures:
        raise LynxError(
            f"{text} has no picture: {text.stem} with one of the endings "
            f"{', '.join(_PICTURE_ENDINGS)} is wanted"
        )
    return pictures[text.stem]


def _pair(text: Path) -> list[tuple[str, str]]:
    """The two questions of a picture with their answers, in the file's order."""
    found: list[tuple[str, str]] = []
    for number, line in read_lines(text):
        if not line.strip():
            continue
        where = f"{text}, line {number}"
        cells = line.split("\t")
        if len(cells) != 2 or not cells[0].strip():
            raise LynxError(f"{where}: a question, a tab, and Yes or No are wanted: {line!r}")
        answer = cells[1].strip().capitalize()
        if not is_truth(answer):
            raise LynxError(f"{where}: the answer must be Yes or No, and is '{cells[1]}'")
        if any(answer == other for _, other in found):
            raise LynxError(
                f"{where}: a second question with the answer {answer}; a picture has one of each"
            )
        found.append((cells[0].strip(), answer))
    if len(found) != 2:
        raise LynxError(f"{text}, line {len(found) + 1}: a second question is missing")
    return found
