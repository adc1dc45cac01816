"""Text about the world for the language models: plain documents, and chats made of instructions."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from lynx.world import describe
from lynx.world.questions import IMAGE_FAMILIES, VIDEO_FAMILIES, Asked, ask
from lynx.world.scene import Clip, Scene, Split, draw_clip, draw_scene

CLIP_SHARE = 0.25  # of documents; clips are rarer than pictures in the recipes, and harder


@dataclass(frozen=True)
class Segment:
    """A piece of a document; answers are what the language models are tested on."""

    text: str
    is_answer: bool
    family: str = ""


def plain_document(rng: random.Random, *, num_questions: int) -> list[Segment]:
    """A scene in sentences, and questions with answers as prose has them (no chat format)."""
    subject = draw_subject(rng, "train")
    segments = [Segment(describe.describe_in_full(subject, rng), False)]
    if rng.random() < 0.25:
        segments.append(Segment(describe.knowledge(rng), False))
    if rng.random() < 0.15:  # the same once more in other words: binding learnt from plain text
        segments.append(Segment(describe.describe_in_full(subject, rng), True))
    layout = rng.choice((("", ""), ("question:", "answer:"), ("", "answer:"), ("", "-")))
    for asked in ask_many(subject, rng, num_questions):
        segments.append(Segment(f"{layout[0]} {asked.question} {layout[1]}", False))
        segments.append(Segment(f"{asked.answer}", True, asked.family))
        segments.append(Segment(".", False))
    return segments


def draw_subject(rng: random.Random, split: Split) -> Scene | Clip:
    """A scene, or now and then a clip."""
    return draw_clip(rng, split) if rng.random() < CLIP_SHARE else draw_scene(rng, split)


def ask_many(
    subject: Scene | Clip,
    rng: random.Random,
    num_questions: int,
    families: Sequence[str] | None = None,
    *,
    split: Split = "train",
) -> list[Asked]:
    """Questions of different families where possible; the rest repeat a family with new objects."""
    if families is None:
        families = (*IMAGE_FAMILIES, *VIDEO_FAMILIES * 3) if isinstance(subject, Clip) else IMAGE_FAMILIES
    asked: list[Asked] = []
    seen: set[str] = set()
    for _ in range(4 * num_questions):
        if len(asked) == num_questions:
            break
        question = ask(subject, rng.choice(families), rng, split=split)
        if question is not None and question.question not in seen:
            seen.add(question.question)
            asked.append(question)
    return asked
