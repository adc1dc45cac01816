"""Draws pictures of the desk world with a question each, to be tried on a page."""

from __future__ import annotations

from pathlib import Path

from lynx.config.seeds import python_random
from lynx.world.pictures import encode_png
from lynx.world.questions import IMAGE_CATEGORIES, ask
from lynx.world.render import draw_scene_picture
from lynx.world.scene import draw_scene

_SEED = 0


def write_examples(folder: Path) -> list[tuple[str, str]]:
    """One PNG below `folder` per class of Open-VQA: (its path, a question about it).

    Scenes and wordings are of the part of the world that no run is trained on.
    """
    examples = []
    for category, families in IMAGE_CATEGORIES.items():
        rng = python_random(_SEED, "examples", category)
        asked = None
        while asked is None:  # not every scene gives occasion for every question
            scene = draw_scene(rng, "evaluation")
            asked = ask(scene, families[0], rng, split="evaluation")
        path = folder / f"{category.lower()}.png"
        path.write_bytes(encode_png(draw_scene_picture(scene, rng)))
        examples.append((str(path), asked.question))
    return examples
