"""Draw scenes and clips of the miniature world as pictures of 112 by 112 pixels."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from lynx.world import vocabulary as words
from lynx.world.lettering import GLYPH_HEIGHT, letter_mask, write_word
from lynx.world.scene import NUM_FRAMES, Clip, Scene, Thing, things_at_end
from lynx.world.scenery import draw_person, draw_place

SIZE = 112
RGB = {
    "red": (220, 40, 40),
    "green": (40, 170, 60),
    "blue": (50, 80, 225),
    "yellow": (245, 225, 50),
    "purple": (150, 60, 190),
    "orange": (245, 140, 30),
    "white": (250, 250, 250),
    "black": (20, 20, 20),
}
# A thing stays inside one 28-pixel square, which is one patch of the encoder at low resolution:
# the middle column's things stand in one of the two middle squares, never across both.
_COLUMN_CENTERS = ((14,), (42, 70), (98,))
_ROW_CENTERS = (42, 70)
_RADIUS = 10.5
_SIGN_TOP = 6


@dataclass(frozen=True)
class Layout:
    """Where things stand in one picture: pixels, with all the jitter drawn."""

    sign_left: int
    sign_top: int
    person_center: tuple[int, int]
    things: tuple[tuple[float, float, float], ...]  # x, y, radius of each thing of the scene


def draw_layout(scene: Scene, rng: random.Random) -> Layout:
    """Draw positions within the cells; sizes vary by a tenth."""
    width = letter_mask(scene.word).shape[1]
    return Layout(
        sign_left=rng.randint(6, SIZE - width - 6),
        sign_top=_SIGN_TOP + rng.randint(0, 8),
        person_center=(rng.choice((14, 42, 70, 98)) + rng.randint(-2, 2), 98 + rng.randint(-1, 1)),
        things=tuple(_place_thing(thing, rng) for thing in scene.things),
    )


def _place_thing(thing: Thing, rng: random.Random) -> tuple[float, float, float]:
    x = rng.choice(_COLUMN_CENTERS[thing.column]) + rng.uniform(-2.5, 2.5)
    y = _ROW_CENTERS[thing.row] + rng.uniform(-2.5, 2.5)
    return x, y, _RADIUS * rng.uniform(0.9, 1.0)


def draw_scene_picture(scene: Scene, rng: random.Random) -> Image.Image:
    """The picture of a scene."""
    return draw_scene_with_layout(scene, rng)[0]


def draw_scene_with_layout(scene: Scene, rng: random.Random) -> tuple[Image.Image, Layout]:
    """The picture of a scene, and where in it everything stands."""
    layout = draw_layout(scene, rng)
    return _compose(scene, layout, scene.things, rng), layout


def draw_clip_frames(clip: Clip, rng: random.Random) -> list[Image.Image]:
    """The five frames of a clip: the event happens between the first frame and the last."""
    layout = draw_layout(clip.scene, rng)
    state = rng.getstate()
    frames = []
    for frame in range(NUM_FRAMES):
        rng.setstate(state)  # the same place in all frames
        frames.append(_compose_frame(clip, layout, frame, rng))
    return frames


def _compose_frame(clip: Clip, layout: Layout, frame: int, rng: random.Random) -> Image.Image:
    things, spots = list(clip.scene.things), list(layout.things)
    index, kind = clip.event.index, clip.event.kind
    happened = frame >= 3 if kind == "vanishes" else frame >= 2
    if kind == "moves":
        end = things_at_end(clip)[index]
        x, y, radius = spots[index]
        start = things[index]
        share = frame / (NUM_FRAMES - 1)
        end_x = x if end.column == start.column else _COLUMN_CENTERS[end.column][0]
        end_y = y + _ROW_CENTERS[end.row] - _ROW_CENTERS[start.row]
        spots[index] = (x + share * (end_x - x), y + share * (end_y - y), radius)
    elif kind == "turns" and happened:
        things[index] = things_at_end(clip)[index]
    elif kind in ("appears", "vanishes") and happened == (kind == "vanishes"):
        del things[index], spots[index]
    moved = Layout(layout.sign_left, layout.sign_top, layout.person_center, tuple(spots))
    return _compose(clip.scene, moved, tuple(things), rng)


def _compose(
    scene: Scene, layout: Layout, things: tuple[Thing, ...], rng: random.Random
) -> Image.Image:
    pixels = draw_place(scene.place, scene.time, SIZE, rng)
    _draw_sign(pixels, scene.word, layout)
    image = Image.fromarray(pixels)
    canvas = ImageDraw.Draw(image)
    draw_person(canvas, scene.action, layout.person_center)
    for thing, (x, y, radius) in zip(things, layout.things, strict=True):
        draw_shape(canvas, thing.shape, RGB[thing.color], (x, y), radius)
    return image


def _draw_sign(pixels: np.ndarray, word: str, layout: Layout) -> None:
    left, top = layout.sign_left, layout.sign_top
    width = letter_mask(word).shape[1]
    pixels[top - 3 : top + GLYPH_HEIGHT + 3, left - 3 : left + width + 3] = (235, 230, 215)
    write_word(pixels, word, left=left, top=top, color=(25, 25, 45))


def draw_shape(
    canvas: ImageDraw.ImageDraw,
    shape: str,
    fill: tuple[int, int, int],
    center: tuple[float, float],
    radius: float,
) -> None:
    """Draw one of vocabulary.SHAPES with a thin outline that stands out from any place."""
    x, y = center
    outline = (230, 230, 230) if sum(fill) < 120 else (30, 30, 30)
    if shape == "circle":
        box = (x - radius, y - radius, x + radius, y + radius)
        canvas.ellipse(box, fill=fill, outline=outline)
        return
    points = [(x + radius * px, y + radius * py) for px, py in _POLYGONS[shape]]
    canvas.polygon(points, fill=fill, outline=outline)


def _star() -> tuple[tuple[float, float], ...]:
    angles = np.pi * (np.arange(10) / 5 - 0.5)
    radii = np.where(np.arange(10) % 2 == 0, 1.15, 0.45)
    return tuple(
        (float(r * np.cos(a)), float(r * np.sin(a))) for r, a in zip(radii, angles, strict=True)
    )


_POLYGONS = {
    "square": ((-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)),
    "triangle": ((0.0, -1.0), (1.0, 0.9), (-1.0, 0.9)),
    "star": _star(),
    "cross": (
        (-0.35, -1.0), (0.35, -1.0), (0.35, -0.35), (1.0, -0.35), (1.0, 0.35), (0.35, 0.35),
        (0.35, 1.0), (-0.35, 1.0), (-0.35, 0.35), (-1.0, 0.35), (-1.0, -0.35), (-0.35, -0.35),
    ),
    "heart": (
        (0.0, 1.0), (-1.0, -0.1), (-0.95, -0.65), (-0.5, -0.9), (-0.1, -0.7), (0.0, -0.4),
        (0.1, -0.7), (0.5, -0.9), (0.95, -0.65), (1.0, -0.1),
    ),
}  # fmt: skip

assert set(_POLYGONS) | {"circle"} == set(words.SHAPES)
