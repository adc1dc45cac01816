"""Questions about scenes and clips, by the classes of Open-VQA (paper Tables 1 and 2)."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from lynx.world import vocabulary as words
from lynx.world.scene import Clip, Scene, Split, Thing
from lynx.world.wordings import WORDINGS

IMAGE_CATEGORIES = {
    "OCR": ("sign",),
    "Counting": ("count_color", "count_shape", "count_all"),
    "Reasoning": ("affordance", "tool", "same_color"),
    "Place": ("place",),
    "Color": ("color",),
    "Spatial": ("column", "row", "left_of", "above"),
    "Action": ("action",),
    "Others": ("shape_of_color", "exists", "time"),
}
VIDEO_CATEGORIES = {
    "Action (Y/N)": ("action_yes_no", "event_yes_no"),
    "Others": ("event_thing", "event_detail", "place", "action", "color"),
}
IMAGE_FAMILIES = tuple(family for group in IMAGE_CATEGORIES.values() for family in group)
# Families about one fact of a scene: of two such questions about one picture, the second's answer
# can be copied from the first answer, or from its question ("which way does the star move?").
_SHARED_FACTS = {
    "action_yes_no": "action",
    "event_yes_no": "event",
    "event_thing": "event",
    "event_detail": "event",
    "action": "action",
}
VIDEO_FAMILIES = ("event_yes_no", "event_thing", "event_detail")
SCENE_FAMILIES = (*IMAGE_FAMILIES, "action_yes_no")  # all that can be asked of one picture


@dataclass(frozen=True)
class Asked:
    """A question in words, its answer (one word), and the fact that it asks about."""

    family: str
    question: str
    answer: str
    fact: tuple[str, ...]


def ask(
    scene: Scene | Clip, family: str, rng: random.Random, *, split: Split = "train"
) -> Asked | None:
    """Ask a question of the family, or return None where the scene gives no occasion for it.

    Yes and no, and the numbers, are drawn before the objects are, so that no answer of a family
    is much more frequent than another. `split` chooses the wordings as well.
    """
    drawn = _FAMILIES[family](scene, rng)
    if drawn is None:
        return None
    wording, fields, answer = drawn
    wordings = WORDINGS[wording]
    choices = wordings.train if split == "train" else wordings.held_out
    shared = _SHARED_FACTS.get(family)
    fact = (shared,) if shared else (family, *fields.values())
    return Asked(family, rng.choice(choices).format(**fields), answer, fact)


Drawn = tuple[str, dict[str, str], str] | None  # wording, fields, answer


def _scene_of(subject: Scene | Clip) -> Scene:
    return subject.scene if isinstance(subject, Clip) else subject


def _labelled(
    family: str, value: Callable[[Scene], str]
) -> Callable[[Scene | Clip, random.Random], Drawn]:
    def draw(subject: Scene | Clip, rng: random.Random) -> Drawn:
        return family, {}, value(_scene_of(subject))

    return draw


def _count_color(subject: Scene | Clip, rng: random.Random) -> Drawn:
    return _count(subject, rng, words.COLORS, Scene.with_color, "count_color", "color")


def _count_shape(subject: Scene | Clip, rng: random.Random) -> Drawn:
    return _count(subject, rng, words.SHAPES, Scene.with_shape, "count_shape", "shape")


def _count(
    subject: Scene | Clip,
    rng: random.Random,
    values: tuple[str, ...],
    select: Callable[[Scene, str], list[Thing]],
    wording: str,
    field: str,
) -> Drawn:
    scene = _scene_of(subject)
    by_number: dict[int, list[str]] = {}
    for value in values:
        by_number.setdefault(len(select(scene, value)), []).append(value)
    largest = max(by_number)
    # Counts above 1 are rare in scenes, so where there is one it is asked about more often.
    number = largest if largest > 1 and rng.random() < 0.6 else rng.choice(sorted(by_number))
    value = rng.choice(by_number[number])
    return wording, {field: value, "shapes": words.PLURALS.get(value, "")}, str(number)


def _same_color(subject: Scene | Clip, rng: random.Random) -> Drawn:
    pairs: dict[bool, list[tuple[Thing, Thing]]] = {True: [], False: []}
    singles = _scene_of(subject).single_shapes
    for first in singles:
        for second in singles:
            if first is not second:
                pairs[first.color == second.color].append((first, second))
    same = rng.random() < 0.5
    if not pairs[same]:
        return None
    first, second = rng.choice(pairs[same])
    return "same_color", {"shape": first.shape, "other": second.shape}, _yes_no(same)


def _color(subject: Scene | Clip, rng: random.Random) -> Drawn:
    if isinstance(subject, Clip):  # a thing to which nothing happens, so that it has one colour
        things = [t for t in subject.scene.single_shapes if t is not subject.thing]
    else:
        things = subject.single_shapes
    if not things:
        return None
    thing = rng.choice(things)
    return "color", {"shape": thing.shape}, thing.color


def _column(subject: Scene | Clip, rng: random.Random) -> Drawn:
    things = _scene_of(subject).single_shapes
    if not things:
        return None
    thing = rng.choice(things)
    return "column", {"shape": thing.shape}, words.COLUMNS[thing.column]


def _row(subject: Scene | Clip, rng: random.Random) -> Drawn:
    by_row: dict[int, list[Thing]] = {}
    for thing in _scene_of(subject).single_shapes:
        by_row.setdefault(thing.row, []).append(thing)
    if not by_row:
        return None
    thing = rng.choice(by_row[rng.choice(sorted(by_row))])
    return "row", {"shape": thing.shape}, words.ROWS[thing.row]


def _relation(subject: Scene | Clip, rng: random.Random, *, wording: str, axis: str) -> Drawn:
    things = _scene_of(subject).single_shapes
    pairs = [(a, b) for a in things for b in things if getattr(a, axis) < getattr(b, axis)]
    if not pairs:
        return None
    first, second = rng.choice(pairs)
    yes = rng.random() < 0.5
    if not yes:
        first, second = second, first
    return wording, {"shape": first.shape, "other": second.shape}, _yes_no(yes)


def _left_of(subject: Scene | Clip, rng: random.Random) -> Drawn:
    return _relation(subject, rng, wording="left_of", axis="column")


def _above(subject: Scene | Clip, rng: random.Random) -> Drawn:
    return _relation(subject, rng, wording="above", axis="row")


def _shape_of_color(subject: Scene | Clip, rng: random.Random) -> Drawn:
    things = _scene_of(subject).single_colors
    if not things:
        return None
    thing = rng.choice(things)
    return "shape_of_color", {"color": thing.color}, thing.shape


def _exists(subject: Scene | Clip, rng: random.Random) -> Drawn:
    present = {thing.shape for thing in _scene_of(subject).things}
    yes = rng.random() < 0.5
    shape = rng.choice(sorted(present if yes else set(words.SHAPES) - present))
    return "exists", {"shape": shape}, _yes_no(yes)


def _event_yes_no(subject: Scene | Clip, rng: random.Random) -> Drawn:
    assert isinstance(subject, Clip)
    event, thing = subject.event, subject.thing
    yes = rng.random() < 0.5
    kind, detail = event.kind, event.detail
    if not yes:  # another event of the same thing; which thing it is, `event_thing` asks
        others = {
            "moves": [d for d in words.MOVES if d != event.detail],
            "turns": [c for c in words.COLORS if c not in (event.detail, thing.color)],
            "appears": [] if event.kind == "appears" else [""],
            "vanishes": [] if event.kind == "vanishes" else [""],
        }
        kind = rng.choice([kind for kind, details in others.items() if details])
        detail = rng.choice(others[kind])
    field = {"moves": {"direction": detail}, "turns": {"color": detail}}.get(kind, {})
    return f"event_{kind}", {"shape": thing.shape, **field}, _yes_no(yes)


def _action_yes_no(subject: Scene | Clip, rng: random.Random) -> Drawn:
    action = _scene_of(subject).action
    yes = rng.random() < 0.5
    asked = action if yes else rng.choice([other for other in words.ACTIONS if other != action])
    return "action_yes_no", {"action": asked}, _yes_no(yes)


def _event_thing(subject: Scene | Clip, rng: random.Random) -> Drawn:
    assert isinstance(subject, Clip)
    return f"what_{subject.event.kind}", {}, subject.thing.shape


def _event_detail(subject: Scene | Clip, rng: random.Random) -> Drawn:
    assert isinstance(subject, Clip)
    wording = {"moves": "direction", "turns": "new_color"}.get(subject.event.kind)
    if wording is None:
        return None
    return wording, {"shape": subject.thing.shape}, subject.event.detail


def _yes_no(yes: bool) -> str:
    return "yes" if yes else "no"


_FAMILIES: dict[str, Callable[[Scene | Clip, random.Random], Drawn]] = {
    "sign": _labelled("sign", lambda scene: scene.word),
    "count_color": _count_color,
    "count_shape": _count_shape,
    "count_all": _labelled("count_all", lambda scene: str(len(scene.things))),
    "affordance": _labelled("affordance", lambda scene: words.PLACES[scene.place]),
    "tool": _labelled("tool", lambda scene: words.ACTIONS[scene.action]),
    "same_color": _same_color,
    "place": _labelled("place", lambda scene: scene.place),
    "color": _color,
    "column": _column,
    "row": _row,
    "left_of": _left_of,
    "above": _above,
    "action": _labelled("action", lambda scene: scene.action),
    "shape_of_color": _shape_of_color,
    "exists": _exists,
    "time": _labelled("time", lambda scene: scene.time),
    "action_yes_no": _action_yes_no,
    "event_yes_no": _event_yes_no,
    "event_thing": _event_thing,
    "event_detail": _event_detail,
}
