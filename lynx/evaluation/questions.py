"""Loads a benchmark's questions with their pictures: the desk world's, or Open-VQA's files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lynx.config.errors import LynxError
from lynx.config.seeds import python_random

Kind = Literal["image", "video"]
WORLD_PREFIX = "world:"
_PICTURE_ENDINGS = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True)
class Question:
    """One question of a benchmark; `index` is its place in the whole benchmark, before any cut."""

    index: int
    id: str
    category: str
    question: str
    answer: str  # alternatives are joined by " or ", as Open-VQA does
    kind: Kind
    images: tuple[bytes, ...]  # PNG or JPEG: one picture, or a video's frames in order

    @property
    def picture(self) -> str:
        """Short name of the picture's content; questions about the same picture share it."""
        return content_name(self.images)


def content_name(images: Sequence[bytes]) -> str:
    """Short name of a picture's or video's content."""
    digest = hashlib.sha256()
    for image in images:
        digest.update(hashlib.sha256(image).digest())
    return digest.hexdigest()[:16]


def load_questions(spec: str, *, kind: Kind, cache_dir: Path, num_frames: int) -> list[Question]:
    """Load all questions that `spec` names.

    spec: "world:image", "world:video", or an Open-VQA .jsonl file whose pictures lie beside it.
    num_frames: frames taken of a video of Open-VQA, evenly spaced.
    """
    if spec.startswith(WORLD_PREFIX):
        world_kind = spec.removeprefix(WORLD_PREFIX)
        if world_kind != kind:
            raise LynxError(
                f"questions '{spec}' are not of kind '{kind}'; use '{WORLD_PREFIX}{kind}'"
            )
        return _world_questions(kind, cache_dir)
    return _open_vqa_questions(Path(spec), kind=kind, num_frames=num_frames)


def first_per_category(questions: Sequence[Question], number: int) -> list[Question]:
    """Keep `number` questions of each category (0: all), always the same ones, in the old order."""
    if number == 0:
        return list(questions)
    kept: set[int] = set()
    for category in dict.fromkeys(question.category for question in questions):
        of_category = [q.index for q in questions if q.category == category]
        python_random(0, "questions", category).shuffle(of_category)
        kept.update(of_category[:number])
    return [question for question in questions if question.index in kept]


def fingerprint(questions: Sequence[Question]) -> str:
    """Identity of the questions, answers and pictures, in order."""
    digest = hashlib.sha256()
    for q in questions:
        digest.update(repr((q.id, q.category, q.question, q.answer, q.picture)).encode())
    return digest.hexdigest()[:16]


def _world_questions(kind: Kind, cache_dir: Path) -> list[Question]:
    from lynx.world.build import evaluation_questions

    return [
        Question(index=index, **row)
        for index, row in enumerate(evaluation_questions(kind, cache_dir))
    ]


def _open_vqa_questions(path: Path, *, kind: Kind, num_frames: int) -> list[Question]:
    if not path.is_file():
        raise LynxError(
            f"no questions at {path} (evaluation.benchmarks.*.questions): "
            "a .jsonl file of Open-VQA, or 'world:image' or 'world:video'"
        )
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    files = [_picture_files(path, row, kind=kind, num_frames=num_frames) for row in rows]
    missing = [name for names in files for name in names if not name.is_file()]
    if missing:
        raise LynxError(
            f"{len(missing)} pictures of {path} are missing, the first is {missing[0]}; "
            "pictures must lie below the folder of the questions, at the paths it gives"
        )
    return [
        Question(
            index=index,
            id=str(row["index"]),
            # The files write "Action(Y/N)", the paper's tables "Action (Y/N)".
            category=row["class"].replace("Action(Y/N)", "Action (Y/N)"),
            question=row["question"],
            answer=" or ".join(row["answer"]),
            kind=kind,
            images=tuple(name.read_bytes() for name in names),
        )
        for index, (row, names) in enumerate(zip(rows, files, strict=True))
    ]


def _picture_files(path: Path, row: dict[str, Any], *, kind: Kind, num_frames: int) -> list[Path]:
    """The picture of a row, or evenly spaced frames of its video."""
    if kind not in row:
        raise LynxError(f"a row of {path} has no '{kind}': set evaluation.benchmarks.*.kind")
    named = path.parent / row[kind]
    if kind == "image":
        return [named]
    folder = named.with_suffix("")
    frames = sorted(f for f in folder.glob("*") if f.suffix.lower() in _PICTURE_ENDINGS)
    if len(frames) < num_frames:
        raise LynxError(
            f"{folder} holds {len(frames)} frames of {named.name}, {num_frames} are needed: "
            "extract the video's frames into that folder as .jpg or .png files named in order"
        )
    last = len(frames) - 1
    return [frames[round(i * last / max(num_frames - 1, 1))] for i in range(num_frames)]
