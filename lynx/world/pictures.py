"""Pictures that are no scenes: food, pages of text, and scenes in an artist's style."""

from __future__ import annotations

import io
import random

import numpy as np
from PIL import Image, ImageDraw

from lynx.world import vocabulary as words
from lynx.world.lettering import letter_mask, write_word
from lynx.world.render import SIZE, draw_scene_picture
from lynx.world.scene import Scene

PAGE_LINES = ("top", "middle", "bottom")
_PAGE_TOPS = (18, 50, 84)
_TINTS = {"apple": (205, 45, 50), "bread": (190, 130, 70), "cake": (240, 170, 200)}
_TINTS |= {"cheese": (250, 210, 70), "carrot": (240, 125, 35), "egg": (250, 245, 230)}


def encode_png(image: Image.Image) -> bytes:
    """PNG bytes; the same picture gives the same bytes."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()


def draw_food(food: str, rng: random.Random) -> Image.Image:
    """One food on a plate."""
    image = Image.new("RGB", (SIZE, SIZE), (150 + rng.randint(-20, 20), 160, 170))
    canvas = ImageDraw.Draw(image)
    x, y = SIZE // 2 + rng.randint(-10, 10), SIZE // 2 + rng.randint(-10, 10)
    canvas.ellipse((x - 42, y - 42, x + 42, y + 42), fill=(235, 235, 240), outline=(90, 90, 100))
    fill, dark = _TINTS[food], (60, 40, 30)
    if food in ("apple", "egg"):
        canvas.ellipse((x - 20, y - 22, x + 20, y + 22), fill=fill, outline=dark)
    elif food in ("cheese", "cake"):
        canvas.polygon(
            ((x - 26, y + 16), (x + 26, y + 16), (x + 18, y - 18)), fill=fill, outline=dark
        )
    elif food == "carrot":
        canvas.polygon(((x - 10, y - 26), (x + 10, y - 26), (x, y + 28)), fill=fill, outline=dark)
    else:
        canvas.rounded_rectangle((x - 28, y - 16, x + 28, y + 16), 10, fill=fill, outline=dark)
    return image


def draw_page(lines: tuple[str, str, str], rng: random.Random) -> Image.Image:
    """A white page with one word at the top, in the middle and at the bottom."""
    pixels = np.full((SIZE, SIZE, 3), 245, dtype=np.uint8)
    pixels[8:12] = (120, 140, 190)
    for word, top in zip(lines, _PAGE_TOPS, strict=True):
        left = rng.randint(6, SIZE - letter_mask(word).shape[1] - 6)
        write_word(pixels, word, left=left, top=top + rng.randint(-3, 3), color=(20, 20, 40))
    return Image.fromarray(pixels)


def draw_in_style(scene: Scene, style: str, rng: random.Random) -> Image.Image:
    """The scene's picture as one of vocabulary.STYLES would have it."""
    assert style in words.STYLES
    image = draw_scene_picture(scene, rng)
    if style == "cubism":
        small = image.resize((SIZE // 8, SIZE // 8), Image.Resampling.BOX)
        return small.resize((SIZE, SIZE), Image.Resampling.NEAREST)
    pixels = np.asarray(image).copy()
    if style == "minimalism":
        return Image.fromarray((pixels // 128 * 120 + 60).astype(np.uint8))
    rows, columns = np.mgrid[0:SIZE, 0:SIZE]
    pixels[(rows % 4 < 2) | (columns % 4 < 2)] = 235
    return Image.fromarray(pixels)
