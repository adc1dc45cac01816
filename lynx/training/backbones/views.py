"""Views of world pictures with a label for every patch: what the vision encoder is trained on."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from PIL import Image

from lynx.world import vocabulary as words
from lynx.world.lettering import ADVANCE, GLYPH_HEIGHT, GLYPH_WIDTH, letter_mask
from lynx.world.render import SIZE, Layout, draw_scene_with_layout
from lynx.world.scene import Scene, Split, draw_scene

IGNORED = -100
PATCH = 14
LETTERS = "abcdefghijklmnopqrstuvwxyz"
ACTIONS = tuple(words.ACTIONS)
PLACES = tuple(words.PLACES)
# Classes of each label; patch labels reserve class 0 for "nothing of the kind".
NUM_CLASSES = {
    "color": 1 + len(words.COLORS),
    "shape": 1 + len(words.SHAPES),
    "action": 1 + len(ACTIONS),
    "word": 1 + len(words.SIGN_WORDS),
    "column": 1 + len(words.COLUMNS),
    "row": 1 + len(words.ROWS),
    "place": len(PLACES),
    "time": len(words.TIMES),
    "whole_action": len(ACTIONS),
    "whole_word": len(words.SIGN_WORDS),
}
PATCH_LABELS = ("color", "shape", "action", "word", "column", "row")


@dataclass(frozen=True)
class View:
    """A square of the picture: left, top and side in drawn pixels, shown at `size` pixels."""

    left: float
    top: float
    side: float
    size: int

    @property
    def grid(self) -> int:
        """Patches along one side."""
        return self.size // PATCH

    @property
    def patch_side(self) -> float:
        """Drawn pixels of one patch."""
        return self.side / self.grid

    def patch_of(self, x: float, y: float) -> int | None:
        """Index of the patch that holds the drawn point, or None outside the view."""
        column, row = (x - self.left) // self.patch_side, (y - self.top) // self.patch_side
        if 0 <= column < self.grid and 0 <= row < self.grid:
            return int(row) * self.grid + int(column)
        return None

    def covers(self, left: float, top: float, right: float, bottom: float) -> bool:
        """Whether the box lies wholly inside."""
        end_x, end_y = self.left + self.side, self.top + self.side
        return self.left <= left and self.top <= top and right <= end_x and bottom <= end_y


def draw_view(rng: random.Random, layout: Layout, size: int) -> View:
    """The whole picture, or a random square of it; half of the squares hold the sign."""
    if rng.random() < 0.4:
        return View(0, 0, SIZE, size)
    side = rng.choice((size, rng.uniform(size * 0.9, SIZE)))
    left, top = rng.uniform(0, SIZE - side), rng.uniform(0, SIZE - side)
    if rng.random() < 0.5:
        left = min(max(layout.sign_left + 8 - rng.uniform(0.3, 0.7) * side, 0), SIZE - side)
        top = min(rng.uniform(0, max(layout.sign_top - 4, 0)), SIZE - side)
    return View(left, top, side, size)


def label_view(scene: Scene, layout: Layout, view: View) -> dict[str, np.ndarray]:
    """Class indices (patches,) of patch labels and () of others; letters are (patches, 26)."""
    num_patches = view.grid**2
    labels = {name: np.zeros(num_patches, dtype=np.int64) for name in PATCH_LABELS}
    _label_things(scene, layout, view, labels)
    _label_person(scene, layout, view, labels["action"])
    letters = _label_sign(scene.word, layout, view, labels["word"])
    labels["whole_action"] = _of_whole(labels["action"])
    labels["whole_word"] = _of_whole(labels["word"])
    labels["place"] = np.array(PLACES.index(scene.place))
    labels["time"] = np.array(words.TIMES.index(scene.time))
    return {**labels, "letters": letters}


def _of_whole(patch_labels: np.ndarray) -> np.ndarray:
    """The class that some patch has, for CLS; ignored where no patch shows it well enough."""
    return np.array(patch_labels.max() - 1 if patch_labels.max() > 0 else IGNORED)


def _label_things(scene: Scene, layout: Layout, view: View, labels: dict[str, np.ndarray]) -> None:
    reach = layout.things[0][2] if layout.things else 0.0
    is_whole_picture = view.side == SIZE  # elsewhere, left and right can't be told
    for name in ("color", "shape", "column", "row"):
        for x, y, _ in layout.things:  # patches that a thing touches without its centre: no label
            for dx in (-reach, 0, reach):
                for dy in (-reach, 0, reach):
                    if (patch := view.patch_of(x + dx, y + dy)) is not None:
                        labels[name][patch] = IGNORED
    for thing, (x, y, _) in zip(scene.things, layout.things, strict=True):
        if (patch := view.patch_of(x, y)) is not None:
            labels["color"][patch] = 1 + words.COLORS.index(thing.color)
            labels["shape"][patch] = 1 + words.SHAPES.index(thing.shape)
            labels["column"][patch] = 1 + thing.column if is_whole_picture else IGNORED
            labels["row"][patch] = 1 + thing.row if is_whole_picture else IGNORED


def _label_person(scene: Scene, layout: Layout, view: View, labels: np.ndarray) -> None:
    x, y = layout.person_center
    for dx in (-12, 0, 12):
        for dy in (-12, 0, 12):
            if (patch := view.patch_of(x + dx, y + dy)) is not None:
                labels[patch] = IGNORED
    if view.covers(max(x - 12, 0), y - 12, min(x + 12, SIZE), min(y + 12, SIZE)):
        patch = view.patch_of(x, y)
        assert patch is not None
        labels[patch] = 1 + ACTIONS.index(scene.action)


def _label_sign(word: str, layout: Layout, view: View, labels: np.ndarray) -> np.ndarray:
    """The word is labelled at any size: how much of it can be read is for the pixels to say."""
    letters = np.zeros((view.grid**2, len(LETTERS)), dtype=np.float32)
    left, top = layout.sign_left, layout.sign_top
    width = letter_mask(word).shape[1]
    is_whole = view.covers(left, top, left + width, top + GLYPH_HEIGHT)
    for index, letter in enumerate(word):
        patch = view.patch_of(left + ADVANCE * index + GLYPH_WIDTH / 2, top + GLYPH_HEIGHT / 2)
        if patch is None:
            continue
        letters[patch, LETTERS.index(letter)] = 1.0
        labels[patch] = 1 + words.SIGN_WORDS.index(word) if is_whole else IGNORED
    return letters


def draw_labelled_views(
    rng: random.Random,
    *,
    num_pictures: int,
    views_per_picture: int,
    size: int,
    split: Split,
    whole_only: bool = False,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Pixels (pictures * views, size, size, 3) uint8, and stacked labels of `label_view`."""
    pixels: list[np.ndarray] = []
    labels: list[dict[str, np.ndarray]] = []
    for _ in range(num_pictures):
        scene = draw_scene(rng, split)
        picture, layout = draw_scene_with_layout(scene, rng)
        for _ in range(views_per_picture):
            view = View(0, 0, SIZE, size) if whole_only else draw_view(rng, layout, size)
            pixels.append(show(picture, view))
            labels.append(label_view(scene, layout, view))
    return np.stack(pixels), {name: np.stack([one[name] for one in labels]) for name in labels[0]}


def show(picture: Image.Image, view: View) -> np.ndarray:
    """The view's pixels (size, size, 3) uint8, bicubic as everywhere in the suite."""
    box = (view.left, view.top, view.left + view.side, view.top + view.side)
    shown = picture.resize((view.size, view.size), Image.Resampling.BICUBIC, box=box)
    return np.asarray(shown)
