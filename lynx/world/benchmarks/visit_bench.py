"""Instructions about scenes of the miniature world, as VisIT-Bench asks them of photographs.

Each has a caption of all that is to be seen, from which a judge without eyes can tell what is true,
and a reference answer made from the scene. What no picture shows (what people do at a place, what
somebody needs) is in the reference, not in the caption.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from lynx.config.seeds import python_random
from lynx.world import vocabulary as words
from lynx.world.describe import describe_in_full, with_article
from lynx.world.pictures import encode_png
from lynx.world.render import draw_scene_picture
from lynx.world.scene import Scene, Thing, draw_scene
from lynx.world.tasks import in_a_sentence

QUESTIONS_PER_CATEGORY = 6
_SEED = 0  # the benchmark is the same for every run

Drawn = tuple[str, str] | None  # instruction, reference; None: the scene gives no occasion


def draw() -> list[dict[str, Any]]:
    """Rows with id, category, question, answer, kind, images (PNG), image_name and caption.

    Every instruction has a scene of its own, of the evaluation's split.
    """
    rows: list[dict[str, Any]] = []
    for category, make in _CATEGORIES.items():
        rng = python_random(_SEED, "visit_bench", category)
        number = 0
        while number < QUESTIONS_PER_CATEGORY:
            scene = draw_scene(rng, "evaluation")
            drawn = make(scene, rng)
            if drawn is None:
                continue
            name = f"visit_bench-{category.lower().replace(' ', '_')}-{number}"
            rows.append(
                {
                    "id": name,
                    "category": category,
                    "question": drawn[0],
                    "answer": drawn[1],
                    "kind": "image",
                    "images": (encode_png(draw_scene_picture(scene, rng)),),
                    "image_name": f"{name}.png",
                    "caption": describe_in_full(scene, rng, ordered=True),
                }
            )
            number += 1
    return rows


def _description(scene: Scene, rng: random.Random) -> Drawn:
    asked = rng.choice(("describe the image in detail.", "what can you see in the picture?"))
    things = " ".join(f"there is {_named(t)} at the {_cell(t)}." for t in scene.things)
    return asked, f"{_place(scene)} {_time(scene)} {_sign(scene)} {_person(scene)} {things}"


def _place_and_time(scene: Scene, rng: random.Random) -> Drawn:
    asked = "where is this, and is it day or night? answer with a full sentence."
    return asked, f"{_place(scene)} {_time(scene)}"


def _reading(scene: Scene, rng: random.Random) -> Drawn:
    asked = rng.choice(
        (
            "what is written on the sign? tell me in a sentence.",
            "can you tell me, which word is on the sign?",
        )
    )
    return asked, _sign(scene)


def _need(scene: Scene, rng: random.Random) -> Drawn:
    asked = "what is the person doing, and what does the person need for that?"
    return asked, f"{_person(scene)} {in_a_sentence('tool', words.ACTIONS[scene.action])}"


def _visit(scene: Scene, rng: random.Random) -> Drawn:
    asked = "what place is this, and what can people do here? tell me in a sentence."
    return asked, f"{_place(scene)} {_affordance(scene)}"


def _advice(scene: Scene, rng: random.Random) -> Drawn:
    is_right = rng.random() < 0.5
    others = [verb for verb in words.PLACES.values() if verb != words.PLACES[scene.place]]
    verb = words.PLACES[scene.place] if is_right else rng.choice(others)
    return (
        f"can people {verb} here? answer with a full sentence.",
        f"{'yes' if is_right else 'no'}, {_place(scene)} {_affordance(scene)}",
    )


def _listing(scene: Scene, rng: random.Random) -> Drawn:
    number = len(scene.things)
    count = f"there {'are' if number > 1 else 'is'} {number} thing{'s' if number > 1 else ''}."
    named = " ".join(f"there is {_named(thing)}." for thing in scene.things)
    return "how many things can you see? name the things.", f"{count} {named}"


def _comparing(scene: Scene, rng: random.Random) -> Drawn:
    pair = _two(scene, rng)
    if pair is None:
        return None
    one, other = pair
    verdict = "yes" if one.color == other.color else "no"
    return (
        f"are the {one.shape} and the {other.shape} the same color? tell me in a sentence.",
        f"{verdict}, the {one.shape} is {one.color} and the {other.shape} is {other.color}.",
    )


def _finding(scene: Scene, rng: random.Random) -> Drawn:
    if not scene.single_shapes:
        return None
    thing = rng.choice(scene.single_shapes)
    return (
        f"where is the {thing.shape}, and what color is it? answer with a full sentence.",
        f"the {thing.shape} is {thing.color} and at the {_cell(thing)}.",
    )


def _relating(scene: Scene, rng: random.Random) -> Drawn:
    pair = _two(scene, rng)
    if pair is None or pair[0].column == pair[1].column:
        return None
    one, other = pair
    verdict = "yes" if one.column < other.column else "no"
    sides = (words.COLUMNS[thing.column] for thing in pair)
    places = " and ".join(
        f"the {thing.shape} is at the {side}" for thing, side in zip(pair, sides, strict=True)
    )
    return (
        f"is the {one.shape} left of the {other.shape}? please tell me where you see the things.",
        f"{verdict}, {places}.",
    )


def _two(scene: Scene, rng: random.Random) -> Sequence[Thing] | None:
    """Two things that their shapes tell apart."""
    singles = scene.single_shapes
    return rng.sample(singles, 2) if len(singles) > 1 else None


def _place(scene: Scene) -> str:
    return in_a_sentence("place", scene.place)


def _time(scene: Scene) -> str:
    return in_a_sentence("time", scene.time)


def _sign(scene: Scene) -> str:
    return in_a_sentence("sign", scene.word)


def _person(scene: Scene) -> str:
    return in_a_sentence("action", scene.action)


def _affordance(scene: Scene) -> str:
    return in_a_sentence("affordance", words.PLACES[scene.place])


def _named(thing: Thing) -> str:
    return f"{with_article(thing.color)} {thing.shape}"


def _cell(thing: Thing) -> str:
    return f"{words.ROWS[thing.row]} {words.COLUMNS[thing.column]}"


_CATEGORIES: dict[str, Callable[[Scene, random.Random], Drawn]] = {
    "Description": _description,
    "Place and time": _place_and_time,
    "Reading": _reading,
    "What somebody needs": _need,
    "Visiting a place": _visit,
    "Advice": _advice,
    "Listing": _listing,
    "Comparing": _comparing,
    "Finding": _finding,
    "Relating": _relating,
}
