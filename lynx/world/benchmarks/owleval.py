"""OwlEval about the miniature world: open questions and dialogues, which people rate.

As many questions as OwlEval has (82 about 50 pictures: 30 stand alone, 52 belong to 20 dialogues of
the same lengths), in the same order of dialogues and single questions. They ask for what the desk's
models learn in their last stage: descriptions, sentences about what is seen, and conclusions.
"""

from __future__ import annotations

import random
from typing import Any

from lynx.config.seeds import python_random
from lynx.world.corpus import ask_many
from lynx.world.describe import describe_in_full
from lynx.world.pictures import encode_png
from lynx.world.render import draw_scene_picture
from lynx.world.scene import Scene, draw_scene
from lynx.world.tasks import in_a_sentence

# Questions about each picture, as in OwlEval: pictures 1 to 50; 1 stands alone.
QUESTIONS_OF_PICTURES = (
    1, 1, 1, 2, 3, 2, 1, 1, 2, 8, 2, 2, 4, 1, 1, 1, 2, 1, 1, 1, 2, 2, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 2, 2, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 1, 5, 1, 1, 1,
)  # fmt: skip
# None of these is a phrasing of training; all of their words are.
OPENINGS = (
    "can you tell me what this picture shows?",
    "describe to me what you see in this picture.",
    "tell me what you can see here.",
    "what is there to see in this picture?",
)
_CONCLUSIONS = ("affordance", "tool", "same_color")
_TELLING = ("sign", "action", "place", "time", "color", "shape_of_color", "column")
_SEED = 0  # the benchmark is the same for every run


def draw() -> list[dict[str, Any]]:
    """82 rows with the fields of a Question but its index; the same on every call."""
    rows: list[dict[str, Any]] = []
    counts = {"alone": 0, "dialogue": 0}
    for number, size in enumerate(QUESTIONS_OF_PICTURES, start=1):
        rng = python_random(_SEED, "evaluation", "owleval", number)
        kind = "alone" if size == 1 else "dialogue"
        draw_asked = _draw_alone if size == 1 else _draw_dialogue
        scene, asked = draw_asked(size, counts[kind], rng)
        counts[kind] += 1
        name = f"{number}.png"
        picture = encode_png(draw_scene_picture(scene, rng))
        rows += [
            {
                "id": str(len(rows) + turn),
                "category": "single_turn" if size == 1 else "multi_turn",
                "question": question,
                "answer": answer,
                "kind": "image",
                "images": (picture,),
                "image_name": name,
                "dialogue": "" if size == 1 else name,
                "caption": _all_facts(scene),
            }
            for turn, (question, answer) in enumerate(asked, start=1)
        ]
    return rows


Asked = list[tuple[str, str]]  # question and reference answer


def _draw_alone(size: int, place: int, rng: random.Random) -> tuple[Scene, Asked]:
    """In turn a description, a conclusion, and what is simply seen; place: among its likes."""
    if place % 3 == 0:
        scene = draw_scene(rng, "evaluation")
        return scene, [_description(scene, rng)]
    if place % 3 == 1:
        return _draw_until([(1, (_CONCLUSIONS[place // 3 % 3],))], rng)
    return _draw_until([(size, _TELLING)], rng)


def _draw_dialogue(size: int, place: int, rng: random.Random) -> tuple[Scene, Asked]:
    """Every second one begins with a description; each ends with a conclusion, which rests on
    what was said before (OwlEval's ability f). No fact is asked about twice."""
    begins_with_description = place % 2 == 0
    parts = [(size - 1 - begins_with_description, _TELLING), (1, (_CONCLUSIONS[place % 3],))]
    scene, asked = _draw_until(parts, rng)
    return scene, [_description(scene, rng), *asked] if begins_with_description else asked


def _draw_until(
    parts: list[tuple[int, tuple[str, ...]]], rng: random.Random
) -> tuple[Scene, Asked]:
    """A scene that gives occasion for so many questions of each part's families."""
    while True:
        scene = draw_scene(rng, "evaluation")
        drawn = [
            ask_many(scene, rng, number, families, split="evaluation", repeats=False)
            for number, families in parts
        ]
        if all(len(asked) == number for asked, (number, _) in zip(drawn, parts, strict=True)):
            return scene, [
                (one.question, in_a_sentence(one.family, one.answer))
                for asked in drawn
                for one in asked
            ]


def _description(scene: Scene, rng: random.Random) -> tuple[str, str]:
    return rng.choice(OPENINGS), _all_facts(scene)


def _all_facts(scene: Scene) -> str:
    """Every fact in the same wording for questions about the same scene."""
    return describe_in_full(scene, python_random(_SEED, "caption", repr(scene)), ordered=True)
