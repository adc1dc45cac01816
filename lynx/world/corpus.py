"""Text about the world for the language models: plain documents, and chats made of instructions."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from lynx.world import describe
from lynx.world.questions import (
    SCENE_FAMILIES,
    VIDEO_FAMILIES,
    Asked,
    ask,
)
from lynx.world.scene import Clip, Scene, Split, draw_clip, draw_scene

CLIP_SHARE = 0.3  # of documents; clips are rarer than pictures in the recipes, and harder
# Looking up a labelled fact (place, word, action) is learnt within minutes; which colour belongs
# to which shape, counts and relations take ten times as long and are asked more often.
FAMILY_WEIGHTS = {
    "color": 4,
    "shape_of_color": 2,
    "column": 3,
    "row": 2,
    "left_of": 3,
    "above": 3,
    "same_color": 3,
    "count_color": 3,
    "count_shape": 3,
    "count_all": 1,
    "exists": 2,
    "action_yes_no": 2,
    "event_yes_no": 4,
    "event_thing": 2,
    "event_detail": 3,
}


_MIN_TRIES = 48  # most questions about a scene with one thing have no occasion; place always has


@dataclass(frozen=True)
class Segment:
    """A piece of a document; answers are what the language models are tested on."""

    text: str
    is_answer: bool
    family: str = ""


def plain_document(
    rng: random.Random,
    *,
    num_questions: int,
    num_things: int | None = None,
    shape_first: Sequence[str] = (),
    families: Sequence[str] | None = None,
    keyword_share: float = 0.0,
) -> list[Segment]:
    """A scene in sentences (in a share of documents as keywords), and questions with answers as
    prose has them (no chat format)."""
    subject = draw_subject(rng, "train", num_things=num_things)
    times = 1 + (rng.random() < 0.4)
    if rng.random() < keyword_share:
        text = describe.keywords(subject, rng)
    else:
        text = describe.describe_in_full(subject, rng, times=times, shape_first=shape_first)
    segments = [Segment(text, False)]
    if rng.random() < 0.25:
        segments.append(Segment(describe.knowledge(rng), False))
    if rng.random() < 0.15:  # the same once more in other words: binding learnt from plain text
        segments.append(Segment(describe.describe_in_full(subject, rng), True))
    layout = rng.choice((("", ""), ("question:", "answer:"), ("", "answer:"), ("", "-")))
    for asked in ask_many(subject, rng, num_questions, families):
        segments.append(Segment(f"{layout[0]} {asked.question} {layout[1]}", False))
        segments.append(Segment(f"{asked.answer}", True, asked.family))
        segments.append(Segment(".", False))
    return segments


def draw_subject(
    rng: random.Random, split: Split, *, num_things: int | None = None
) -> Scene | Clip:
    """A scene, or now and then a clip."""
    if rng.random() < CLIP_SHARE:
        return draw_clip(rng, split, num_things=num_things)
    return draw_scene(rng, split, num_things=num_things)


def ask_many(
    subject: Scene | Clip,
    rng: random.Random,
    num_questions: int,
    families: Sequence[str] | None = None,
    *,
    split: Split = "train",
    repeats: bool = True,
) -> list[Asked]:
    """Questions about one subject, none twice in the same words.

    With `repeats` (text for language models) families are drawn by FAMILY_WEIGHTS; without, evenly,
    and nothing is asked about twice in the same way.
    """
    if families is None:
        families = SCENE_FAMILIES
        if isinstance(subject, Clip):
            families = (*SCENE_FAMILIES, *VIDEO_FAMILIES * 2)
    elif not isinstance(subject, Clip):
        families = [family for family in families if family not in VIDEO_FAMILIES]
    weights = [FAMILY_WEIGHTS.get(family, 1) if repeats else 1 for family in families]
    asked: list[Asked] = []
    seen: set[str | tuple[str, ...]] = set()
    for _ in range(max(4 * num_questions, _MIN_TRIES)):
        if len(asked) == num_questions:
            break
        question = ask(subject, rng.choices(families, weights)[0], rng, split=split)
        if question is None:
            continue
        identity = question.question if repeats else question.fact
        if identity not in seen:
            seen.add(identity)
            asked.append(question)
    return asked
