"""The background of each place of the miniature world, and the person who does something there."""

from __future__ import annotations

import random

import numpy as np
from PIL import ImageDraw

Color = tuple[int, int, int]
_SKIN: Color = (240, 200, 165)
_CLOTH: Color = (70, 70, 90)
_NIGHT = 0.4  # brightness of a place by night
_TINT = 14  # largest shift of a picture's place in each colour channel, in grey levels


def draw_place(place: str, time: str, size: int, rng: random.Random) -> np.ndarray:
    """Pixels (size, size, 3) uint8 of the place by day or night, muted: things stand out."""
    rows, columns = np.mgrid[0:size, 0:size]
    shift = rng.randint(0, 27)
    base, other, is_other = _pattern(place, rows, columns, shift, size)
    pixels = np.where(is_other[..., None], np.array(other), np.array(base)).astype(np.float32)
    pixels += [rng.randint(-_TINT, _TINT) for _ in range(3)]
    if time == "night":
        pixels *= _NIGHT
    return np.clip(pixels, 0, 255).astype(np.uint8)


def _pattern(
    place: str, rows: np.ndarray, columns: np.ndarray, shift: int, size: int
) -> tuple[Color, Color, np.ndarray]:
    """Two colours, and where the second is."""
    if place == "beach":
        return (215, 200, 150), (120, 180, 205), rows < size // 3 + shift
    if place == "forest":
        return (95, 135, 90), (75, 95, 65), (columns + shift) % 14 < 6
    if place == "street":
        return (140, 140, 145), (185, 180, 150), (rows + shift) % 28 < 4
    if place == "kitchen":
        return (205, 195, 190), (160, 175, 180), ((rows + shift) // 14 + columns // 14) % 2 == 0
    if place == "farm":
        return (175, 180, 95), (140, 110, 75), (rows + columns // 2 + shift) % 14 < 5
    if place == "desert":
        wave = size * 0.4 + 12 * np.sin((columns + 4 * shift) / 13.0)
        return (220, 170, 105), (190, 135, 85), rows > wave
    if place == "mountain":
        return (160, 180, 210), (225, 230, 240), np.abs((columns + shift) % 56 - 28) * 2 < rows
    if place == "stage":
        return (130, 60, 70), (95, 45, 60), (columns + shift) % 20 < 10
    raise KeyError(place)


def draw_person(canvas: ImageDraw.ImageDraw, action: str, center: tuple[int, int]) -> None:
    """A small person, 26 pixels high, whose pose and thing in hand show the action."""
    x, y = center
    if action == "sleeping":
        canvas.rectangle((x - 13, y + 3, x + 13, y + 11), fill=(120, 90, 160))
        canvas.rectangle((x - 13, y - 3, x - 10, y + 11), fill=(90, 60, 40))
        canvas.ellipse((x - 10, y - 4, x - 3, y + 3), fill=_SKIN)
        return
    canvas.ellipse((x - 3, y - 13, x + 3, y - 7), fill=_SKIN)
    canvas.rectangle((x - 3, y - 7, x + 3, y + 3), fill=_CLOTH)
    _draw_legs(canvas, action, x, y)
    _draw_arms(canvas, action, x, y)


def _draw_legs(canvas: ImageDraw.ImageDraw, action: str, x: int, y: int) -> None:
    spread = 9 if action == "running" else 3
    canvas.line((x, y + 3, x - spread, y + 12), fill=_CLOTH, width=3)
    canvas.line((x, y + 3, x + spread, y + 12), fill=_CLOTH, width=3)


def _draw_arms(canvas: ImageDraw.ImageDraw, action: str, x: int, y: int) -> None:
    if action == "running":
        canvas.line((x - 10, y - 1, x + 10, y - 5), fill=_SKIN, width=3)
    elif action == "reading":
        canvas.rectangle((x - 12, y - 5, x + 12, y + 3), fill=(245, 245, 235))
        canvas.line((x, y - 5, x, y + 3), fill=(60, 60, 160), width=2)
    elif action == "fishing":
        canvas.line((x + 2, y - 3, x + 12, y - 13), fill=(110, 70, 30), width=2)
        canvas.line((x + 12, y - 13, x + 12, y + 8), fill=(240, 240, 255), width=1)
        canvas.ellipse((x + 9, y + 6, x + 13, y + 10), fill=(90, 200, 220))
    elif action == "painting":
        canvas.rectangle((x + 4, y - 12, x + 13, y + 2), fill=(250, 250, 250))
        canvas.rectangle((x + 6, y - 10, x + 11, y - 4), fill=(230, 60, 160))
        canvas.line((x, y - 3, x + 6, y - 6), fill=_SKIN, width=3)
    elif action == "drinking":
        canvas.rectangle((x + 3, y - 12, x + 10, y - 5), fill=(40, 200, 170))
        canvas.line((x, y - 3, x + 6, y - 6), fill=_SKIN, width=3)
    elif action == "waving":
        canvas.line((x, y - 4, x - 8, y - 13), fill=_SKIN, width=3)
        canvas.line((x, y - 4, x + 8, y - 13), fill=_SKIN, width=3)
    elif action == "digging":
        canvas.line((x - 8, y - 8, x + 9, y + 9), fill=(130, 80, 30), width=3)
        canvas.polygon(((x + 6, y + 4), (x + 13, y + 6), (x + 8, y + 13)), fill=(170, 175, 185))
    else:
        raise KeyError(action)
