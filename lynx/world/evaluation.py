"""The questions of the desk benchmark: balanced answers about scenes never trained on."""

from __future__ import annotations

import base64
import json
import math
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lynx.config.seeds import python_random
from lynx.world.pictures import encode_png
from lynx.world.questions import IMAGE_CATEGORIES, VIDEO_CATEGORIES, ask
from lynx.world.render import draw_clip_frames, draw_scene_picture
from lynx.world.scene import Clip, Scene, draw_clip, draw_scene

Kind = Literal["image", "video"]
QUESTIONS_PER_CATEGORY = {"image": 240, "video": 300}
_CATEGORIES: dict[str, Mapping[str, tuple[str, ...]]] = {
    "image": IMAGE_CATEGORIES,
    "video": VIDEO_CATEGORIES,
}
_SEED = 0  # the benchmark is the same for every run
_SURVEY = 400  # draws that show which answers a family has


@dataclass(frozen=True)
class _Drawn:
    subject: Scene | Clip
    question: str
    answer: str


def draw_questions(kind: Kind) -> list[dict[str, Any]]:
    """Rows with id, category, question, answer, kind, and the PNG bytes of the images."""
    rows: list[dict[str, Any]] = []
    for category, families in _CATEGORIES[kind].items():
        rng = python_random(_SEED, "evaluation", kind, category)
        total = QUESTIONS_PER_CATEGORY[kind]
        for index, family in enumerate(families):
            share = total * (index + 1) // len(families) - total * index // len(families)
            for drawn in _draw_balanced(kind, family, share, rng):
                name = category.lower().replace(" ", "").replace("(y/n)", "_yn")
                rows.append(
                    {
                        "id": f"{kind}-{name}-{len(rows):04d}",
                        "category": category,
                        "question": drawn.question,
                        "answer": drawn.answer,
                        "kind": kind,
                        "images": tuple(_pictures(drawn.subject, rng)),
                    }
                )
    return rows


def _draw_balanced(kind: Kind, family: str, total: int, rng: random.Random) -> list[_Drawn]:
    """Draw questions of the family; no answer comes more often than its equal share."""
    answers = {drawn.answer for drawn in _draws(kind, family, rng, _SURVEY)}
    most = math.ceil(total / len(answers))
    counts: Counter[str] = Counter()
    chosen: list[_Drawn] = []
    for drawn in _draws(kind, family, rng, None):
        if len(chosen) == total:
            break
        if counts[drawn.answer] < most:
            counts[drawn.answer] += 1
            chosen.append(drawn)
    return chosen


def _draws(kind: Kind, family: str, rng: random.Random, limit: int | None) -> Iterator[_Drawn]:
    made = 0
    while limit is None or made < limit:
        subject = (draw_scene if kind == "image" else draw_clip)(rng, "evaluation")
        asked = ask(subject, family, rng, split="evaluation")
        if asked is not None:
            made += 1
            yield _Drawn(subject, asked.question, asked.answer)


def _pictures(subject: Scene | Clip, rng: random.Random) -> list[bytes]:
    if isinstance(subject, Clip):
        return [encode_png(frame) for frame in draw_clip_frames(subject, rng)]
    return [encode_png(draw_scene_picture(subject, rng))]


def to_json_lines(rows: list[dict[str, Any]]) -> str:
    """One JSON object a line, images as base64."""
    return "".join(
        json.dumps({**row, "images": [base64.b64encode(image).decode() for image in row["images"]]})
        + "\n"
        for row in rows
    )


def from_json_lines(path: Path) -> list[dict[str, Any]]:
    """Read what `to_json_lines` wrote."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return [
        {**row, "images": tuple(base64.b64decode(image) for image in row["images"])} for row in rows
    ]
