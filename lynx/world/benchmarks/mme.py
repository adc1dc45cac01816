"""MME's counterpart about the world: pictures with two questions each, one yes and one no.

Only tasks that the world can express are here: it has no posters, celebrities, landmarks, artworks,
foreign words or code. Within a task each word (a shape, a number, a place) is asked about as often
where yes is right as where no is, so that only the picture tells them apart. What people do at a
place, and what a person needs, is what `vocabulary` says: the world knows nothing else.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import cycle, islice, permutations
from typing import Any

from lynx.config.seeds import python_random
from lynx.world import vocabulary as words
from lynx.world.describe import describe_in_full
from lynx.world.pictures import encode_png
from lynx.world.render import draw_scene_picture
from lynx.world.scene import Scene, draw_scene
from lynx.world.wordings import WORDINGS

SUFFIX = " Please answer yes or no."
PICTURES_PER_TASK = 24
_SWAPS = 10  # per pair of words, to mix them
_SEED = 0  # the benchmark is the same for every run

Pair = tuple[str, str]  # the question whose answer is yes, and the one whose answer is no
# From a scene, the word that is right in it and one that is wrong (two words of the same sort);
# None where they don't fit the scene.
Ask = Callable[[Scene, str, str, random.Random], Pair | None]


def draw() -> list[dict[str, Any]]:
    """Rows with a question's fields, in MME's order: by task and picture, yes before no."""
    rows: list[dict[str, Any]] = []
    seen: set[Scene] = set()
    for task, kinds in _TASKS.items():
        rng = python_random(_SEED, "mme", task)
        plan = [
            (ask, right, wrong)
            for ask, choices in kinds.items()
            for right, wrong in _words(choices, PICTURES_PER_TASK // len(kinds), rng)
        ]
        rng.shuffle(plan)
        for number, (ask, right, wrong) in enumerate(plan, start=1):
            scene, pair = _draw_pair(ask, right, wrong, rng, seen)
            rows += _rows(task, f"{number:04d}.png", scene, pair, rng)
    return rows


def _words(choices: Sequence[str], total: int, rng: random.Random) -> list[tuple[str, str]]:
    """Pairs of a right and a wrong word: each word is right as often as it is wrong."""
    right = sorted(islice(cycle(rng.sample(list(choices), len(choices))), total))
    most = max(Counter(right).values())
    wrong = right[most:] + right[:most]  # in a sorted list, equal words are nearer than `most`
    for _ in range(_SWAPS * total):
        one, other = rng.randrange(total), rng.randrange(total)
        if wrong[one] != right[other] and wrong[other] != right[one]:
            wrong[one], wrong[other] = wrong[other], wrong[one]
    return list(zip(right, wrong, strict=True))


def _draw_pair(
    ask: Ask, right: str, wrong: str, rng: random.Random, seen: set[Scene]
) -> tuple[Scene, Pair]:
    while True:
        scene = draw_scene(rng, "evaluation")
        pair = None if scene in seen else ask(scene, right, wrong, rng)
        if pair is not None:
            seen.add(scene)
            return scene, pair


def _rows(
    task: str, image: str, scene: Scene, pair: Pair, rng: random.Random
) -> list[dict[str, Any]]:
    picture = encode_png(draw_scene_picture(scene, rng))
    name, caption = f"{task}/{image}", describe_in_full(scene, rng, ordered=True)
    return [
        {
            "id": f"{name}/{place}",
            "category": task,
            "question": text + SUFFIX,
            "answer": answer,
            "kind": "image",
            "images": (picture,),
            "image_name": name,
            "dialogue": "",
            "caption": caption,
        }
        for place, (text, answer) in enumerate(zip(pair, ("Yes", "No"), strict=True))
    ]


def _both(text: str, right: str, wrong: str) -> Pair:
    return text.format(right), text.format(wrong)


def _exists(scene: Scene, right: str, wrong: str, rng: random.Random) -> Pair | None:
    if not scene.with_shape(right) or scene.with_shape(wrong):
        return None
    text = rng.choice(WORDINGS["exists"].held_out)
    return text.format(shape=right), text.format(shape=wrong)


def _count_things(scene: Scene, right: str, wrong: str, rng: random.Random) -> Pair | None:
    if len(scene.things) != int(right):
        return None
    return _both(rng.choice(("are there {} things?", "is the number of things {}?")), right, wrong)


def _count_shapes(scene: Scene, right: str, wrong: str, rng: random.Random) -> Pair | None:
    shapes = [shape for shape in words.SHAPES if len(scene.with_shape(shape)) == int(right)]
    if not shapes:
        return None
    plural = words.PLURALS[rng.choice(shapes)]
    texts = (f"are there {{}} {plural}?", f"is the number of {plural} {{}}?")
    return _both(rng.choice(texts), right, wrong)


def _left_of(scene: Scene, right: str, wrong: str, rng: random.Random) -> Pair | None:
    return _relation(scene, right, wrong, rng, wording="left_of", axis="column")


def _above(scene: Scene, right: str, wrong: str, rng: random.Random) -> Pair | None:
    return _relation(scene, right, wrong, rng, wording="above", axis="row")


def _relation(
    scene: Scene, before: str, after: str, rng: random.Random, *, wording: str, axis: str
) -> Pair | None:
    """The one shape comes before the other on the axis; with no, they change places."""
    place = {thing.shape: getattr(thing, axis) for thing in scene.single_shapes}
    if before not in place or after not in place or place[before] >= place[after]:
        return None
    text = rng.choice(WORDINGS[wording].held_out)
    return text.format(shape=before, other=after), text.format(shape=after, other=before)


def _color(scene: Scene, right: str, wrong: str, rng: random.Random) -> Pair | None:
    """The wrong colour is that of another thing: that it occurs does not tell."""
    things = [thing for thing in scene.single_shapes if thing.color == right]
    if not things or not scene.with_color(wrong):
        return None
    shape = rng.choice(things).shape
    texts = (f"is the {shape} {{}}?", f"does the {shape} have the color {{}}?")
    return _both(rng.choice(texts), right, wrong)


def _place(scene: Scene, right: str, wrong: str, rng: random.Random) -> Pair | None:
    if scene.place != right:
        return None
    texts = ("is this a {}?", "is this place a {}?", "does the picture show a {}?")
    return _both(rng.choice(texts), right, wrong)


def _sign(scene: Scene, right: str, wrong: str, rng: random.Random) -> Pair | None:
    if scene.word != right:
        return None
    texts = ("does the sign say {}?", "is the word on the sign {}?")
    return _both(rng.choice(texts), right, wrong)


def _affordance(scene: Scene, right: str, wrong: str, rng: random.Random) -> Pair | None:
    if scene.place != right:
        return None
    texts = ("can people {} here?", "do people {} at this place?")
    return _both(rng.choice(texts), words.PLACES[right], words.PLACES[wrong])


def _tool(scene: Scene, right: str, wrong: str, rng: random.Random) -> Pair | None:
    if scene.action != right:
        return None
    texts = ("does the person need the {}?", "does this person need the {} for that?")
    return _both(rng.choice(texts), words.ACTIONS[right], words.ACTIONS[wrong])


def _sum(scene: Scene, right: str, wrong: str, rng: random.Random) -> Pair | None:
    """Two shapes counted together, beside other things: to count all things is not enough."""
    count = {shape: len(scene.with_shape(shape)) for shape in words.SHAPES}
    present = [shape for shape in words.SHAPES if count[shape]]
    pairs = [
        (first, second)
        for first, second in permutations(present, 2)
        if count[first] + count[second] == int(right) < len(scene.things)
    ]
    if not pairs:
        return None
    first, second = (words.PLURALS[shape] for shape in rng.choice(pairs))
    texts = (
        f"is the number of {first} and {second} {{}}?",
        f"do the {first} and the {second} make {{}} things?",
    )
    return _both(rng.choice(texts), right, wrong)


_PLACES, _ACTIONS = tuple(words.PLACES), tuple(words.ACTIONS)

# The kinds of question of each task with the words they ask about; in the order of MME's tasks.
_TASKS: dict[str, dict[Ask, Sequence[str]]] = {
    "existence": {_exists: words.SHAPES},
    "count": {_count_things: ("2", "3", "4"), _count_shapes: ("2", "3")},
    "position": {_left_of: words.SHAPES, _above: words.SHAPES},
    "color": {_color: words.COLORS},
    "scene": {_place: _PLACES},
    "OCR": {_sign: words.SIGN_WORDS},
    "commonsense_reasoning": {_affordance: _PLACES, _tool: _ACTIONS},
    "numerical_calculation": {_sum: ("2", "3")},
}
