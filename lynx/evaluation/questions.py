"""A benchmark's questions with their pictures: from the miniature world, or as published."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lynx.config.errors import LynxError
from lynx.config.seeds import python_random

Kind = Literal["image", "video"]
WORLD_PREFIX = "world:"


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
    image_name: str = ""  # the benchmark's own name of the picture
    dialogue: str = ""  # shared by the questions of one dialogue, in order; "" stands alone
    caption: str = ""  # a true description of the picture, where the benchmark has one

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


def load_questions(
    spec: str, *, kind: Kind, cache_dir: Path, num_frames: int, format_: str = "open_vqa"
) -> list[Question]:
    """Load all questions that `spec` names.

    spec: "world:image", "world:video", "world:mme", ..., or where the benchmark's published files
    lie. format_: in which form they are published; see `lynx/evaluation/benchmarks/`.
    num_frames: frames taken of a video, evenly spaced.
    """
    if spec.startswith(WORLD_PREFIX):
        return _world_questions(spec.removeprefix(WORLD_PREFIX), kind, cache_dir)
    from lynx.evaluation.benchmarks.registry import format_of  # here, as formats make Questions

    return format_of(format_).load(Path(spec), kind=kind, num_frames=num_frames)


def first_per_category(
    questions: Sequence[Question], number: int, *, has_pairs: bool = False
) -> list[Question]:
    """Keep `number` questions of each category (0: all), always the same ones, in the old order.

    has_pairs: keep the two questions about a picture together, or neither (MME).
    """
    if number == 0:
        return list(questions)
    kept: set[int] = set()
    for category in dict.fromkeys(question.category for question in questions):
        groups: dict[str, list[int]] = {}
        for q in questions:
            if q.category == category:
                groups.setdefault(q.image_name if has_pairs else q.id, []).append(q.index)
        drawn = list(groups.values())
        python_random(0, "questions", category).shuffle(drawn)
        for group in drawn[: -(-number // 2) if has_pairs else number]:
            kept.update(group)
    return [question for question in questions if question.index in kept]


def fingerprint(questions: Sequence[Question]) -> str:
    """Identity of the questions, answers and pictures, in order."""
    digest = hashlib.sha256()
    for q in questions:
        digest.update(repr((q.id, q.category, q.question, q.answer, q.picture)).encode())
    return digest.hexdigest()[:16]


def turns(questions: Sequence[Question]) -> list[int]:
    """How many earlier questions of its dialogue each question has."""
    seen: dict[str, int] = {}
    numbers = []
    for question in questions:
        numbers.append(seen.get(question.dialogue, 0) if question.dialogue else 0)
        seen[question.dialogue] = numbers[-1] + 1
    return numbers


def _world_questions(name: str, kind: Kind, cache_dir: Path) -> list[Question]:
    from lynx.world.benchmarks.build import questions

    rows = questions(name, cache_dir)
    if any(row["kind"] != kind for row in rows):
        raise LynxError(
            f"questions '{WORLD_PREFIX}{name}' are not of kind '{kind}'; "
            f"the world's questions of that kind are '{WORLD_PREFIX}{kind}'"
        )
    return [Question(index=index, **row) for index, row in enumerate(rows)]
