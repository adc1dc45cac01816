"""Letters for signs and pages: three by five pixel capitals, as rows of ink."""

from __future__ import annotations

import numpy as np

GLYPH_WIDTH, GLYPH_HEIGHT, ADVANCE = 3, 5, 4

# The smallest capitals that can be told apart: legible at 112 pixels and hardly at 56, where a
# letter has one and a half pixels by two and a half; five by seven was read at 56 (docs/log.md).
_ROWS_OF_INK = {
    "a": "010 101 111 101 101",
    "b": "110 101 110 101 110",
    "c": "011 100 100 100 011",
    "d": "110 101 101 101 110",
    "e": "111 100 110 100 111",
    "f": "111 100 110 100 100",
    "g": "011 100 101 101 011",
    "h": "101 101 111 101 101",
    "i": "111 010 010 010 111",
    "j": "001 001 001 101 010",
    "k": "101 101 110 101 101",
    "l": "100 100 100 100 111",
    "m": "101 111 111 101 101",
    "n": "110 101 101 101 101",
    "o": "010 101 101 101 010",
    "p": "110 101 110 100 100",
    "q": "010 101 101 111 011",
    "r": "110 101 110 110 101",
    "s": "011 100 010 001 110",
    "t": "111 010 010 010 010",
    "u": "101 101 101 101 111",
    "v": "101 101 101 101 010",
    "w": "101 101 111 111 101",
    "x": "101 101 010 101 101",
    "y": "101 101 010 010 010",
    "z": "111 001 010 100 111",
}
_GLYPHS = {
    letter: np.array([[pixel == "1" for pixel in row] for row in rows.split()])
    for letter, rows in _ROWS_OF_INK.items()
}


def letter_mask(word: str) -> np.ndarray:
    """Boolean mask (5, 4 * letters - 1) of the word's ink; a space is left empty."""
    mask = np.zeros((GLYPH_HEIGHT, ADVANCE * len(word) - 1), dtype=bool)
    for index, letter in enumerate(word):
        if letter != " ":
            start = ADVANCE * index
            mask[:, start : start + GLYPH_WIDTH] = _GLYPHS[letter]
    return mask


def write_word(
    pixels: np.ndarray, word: str, *, left: int, top: int, color: tuple[int, int, int]
) -> None:
    """Write the word into `pixels` (height, width, 3) in place; it must fit."""
    mask = letter_mask(word)
    window = pixels[top : top + mask.shape[0], left : left + mask.shape[1]]
    window[mask] = color
