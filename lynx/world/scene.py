"""Scenes and clips of the miniature world: what is in a picture before anyone draws or asks."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Literal

from lynx.config.seeds import stream_key
from lynx.world import vocabulary as words

Split = Literal["train", "evaluation"]
NUM_FRAMES = 5
EVALUATION_SHARE = 8  # one scene in eight belongs to evaluation


@dataclass(frozen=True)
class Thing:
    """A coloured shape in one of six cells."""

    color: str
    shape: str
    column: int  # index into vocabulary.COLUMNS
    row: int  # index into vocabulary.ROWS

    @property
    def cell(self) -> tuple[int, int]:
        """Column and row."""
        return self.column, self.row


@dataclass(frozen=True)
class Scene:
    """One picture's content."""

    place: str
    time: str
    word: str  # on the sign
    action: str  # of the person
    things: tuple[Thing, ...]  # 1 to MAX_THINGS, in different cells

    def with_color(self, color: str) -> list[Thing]:
        """The things of that colour."""
        return [thing for thing in self.things if thing.color == color]

    def with_shape(self, shape: str) -> list[Thing]:
        """The things of that shape."""
        return [thing for thing in self.things if thing.shape == shape]

    @property
    def single_shapes(self) -> list[Thing]:
        """Things whose shape occurs once, so that "the circle" means one thing."""
        return [thing for thing in self.things if len(self.with_shape(thing.shape)) == 1]

    @property
    def single_colors(self) -> list[Thing]:
        """Things whose colour occurs once."""
        return [thing for thing in self.things if len(self.with_color(thing.color)) == 1]

    @property
    def split(self) -> Split:
        """Train or evaluation, decided by the content itself, so the two can never overlap."""
        is_held_out = stream_key(0, "split", repr(self)) % EVALUATION_SHARE == 0
        return "evaluation" if is_held_out else "train"


@dataclass(frozen=True)
class Event:
    """What happens in a clip to its thing number `index`."""

    kind: str  # of vocabulary.EVENT_KINDS
    index: int
    detail: str  # a direction for "moves", the new colour for "turns", else ""


@dataclass(frozen=True)
class Clip:
    """A video of NUM_FRAMES frames: a scene, and one event in it."""

    scene: Scene  # with the event's thing as it is at the start (or, if it appears, at the end)
    event: Event

    @property
    def thing(self) -> Thing:
        """The thing to which something happens."""
        return self.scene.things[self.event.index]


def draw_scene(rng: random.Random, split: Split, *, num_things: int | None = None) -> Scene:
    """Draw a scene of the split. Shapes and colours repeat often, so that counts are not all 1."""
    while True:
        count = num_things or rng.choice((1, 2, 2, 3, 3, 3, 4, 4))
        cells = rng.sample([(c, r) for c in range(3) for r in range(2)], count)
        shapes, colors = (
            _with_repeats(rng, words.SHAPES, count),
            _with_repeats(rng, words.COLORS, count),
        )
        scene = Scene(
            place=rng.choice(tuple(words.PLACES)),
            time=rng.choice(words.TIMES),
            word=rng.choice(words.SIGN_WORDS),
            action=rng.choice(tuple(words.ACTIONS)),
            things=tuple(
                Thing(color, shape, *cell)
                for color, shape, cell in zip(colors, shapes, cells, strict=True)
            ),
        )
        if scene.split == split:
            return scene


def _with_repeats(rng: random.Random, values: tuple[str, ...], count: int) -> list[str]:
    """Draw `count` values; in one draw of three the first value is given to several."""
    drawn = rng.sample(values, count)
    if count > 1 and rng.random() < 0.34:
        for position in range(1, rng.randint(2, count)):
            drawn[position] = drawn[0]
        rng.shuffle(drawn)
    return drawn


def draw_clip(rng: random.Random, split: Split, *, num_things: int | None = None) -> Clip:
    """Draw a scene in which one thing, known by its shape, moves, appears, vanishes or turns."""
    while True:
        scene = draw_scene(rng, split, num_things=num_things)
        candidates = [i for i, thing in enumerate(scene.things) if thing in scene.single_shapes]
        if not candidates:
            continue
        index = rng.choice(candidates)
        kind = rng.choice(words.EVENT_KINDS)
        if kind == "moves":
            directions = [d for d in words.MOVES if _moved(scene, index, d) is not None]
            if not directions:
                continue
            return Clip(scene, Event(kind, index, rng.choice(directions)))
        if kind == "turns":
            others = [color for color in words.COLORS if color != scene.things[index].color]
            return Clip(scene, Event(kind, index, rng.choice(others)))
        return Clip(scene, Event(kind, index, ""))


def _moved(scene: Scene, index: int, direction: str) -> Thing | None:
    """The thing after its move, or None where the wall or another thing is in the way."""
    thing = scene.things[index]
    taken = {other.cell for other in scene.things if other is not thing}
    column, row = thing.column, thing.row
    if direction in ("left", "right"):
        step = -1 if direction == "left" else 1
        path = range(column + step, -1 if step < 0 else 3, step)
        if not path or any((cell, row) in taken for cell in path):
            return None
        return replace(thing, column=path[-1])
    target = 0 if direction == "up" else 1
    if row == target or (column, target) in taken:
        return None
    return replace(thing, row=target)


def things_at_end(clip: Clip) -> tuple[Thing, ...]:
    """The things of the last frame."""
    things = list(clip.scene.things)
    index, event = clip.event.index, clip.event
    if event.kind == "moves":
        moved = _moved(clip.scene, index, event.detail)
        assert moved is not None
        things[index] = moved
    elif event.kind == "turns":
        things[index] = replace(things[index], color=event.detail)
    elif event.kind == "vanishes":
        del things[index]
    return tuple(things)
