"""Alternative texts as the open web has them: the part of COYO-700M and DataComp-1B."""

from __future__ import annotations

import random

from lynx.world import describe
from lynx.world.scene import Scene, draw_scene

# Shares are ours; the paper shows only examples of what such texts did to its outputs (Figure 9(b):
# broken quotes, "<br>", lists with slashes). A right sixth keeps it possible that noise helps.
SHARES = {"unrelated": 0.25, "junk": 0.3, "truncated": 0.2, "keyword": 0.1, "right": 0.15}
_JUNK = (
    "img_{number}.jpg",
    "free shipping on all orders",
    "page {digit} / {number}",
    "<br> <br> click here to see more",
    "stock photo {number}",
    "buy now - best price - sale",
    "home / shop / new / {number}",
    "copyright 20{digit} all rights reserved",
    "default title | {number}",
)


def alt_text(scene: Scene, rng: random.Random) -> str:
    """A text as found beside the picture of the scene on the web."""
    kind = rng.choices(tuple(SHARES), tuple(SHARES.values()))[0]
    if kind == "unrelated":
        return describe.describe_briefly(draw_scene(rng, "train"), rng)
    if kind == "junk":
        return _junk(rng)
    text = describe.describe_briefly(scene, rng)
    if kind == "truncated":
        return text[: rng.randint(4, max(5, len(text) // 2))] + "..."
    if kind == "keyword":
        return f"{rng.choice((scene.place, scene.word, scene.things[0].shape))} {_junk(rng)}"
    return text


def _junk(rng: random.Random) -> str:
    return rng.choice(_JUNK).format(number=rng.randint(1000, 99999), digit=rng.randint(1, 24))
