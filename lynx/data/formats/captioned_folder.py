"""Reads your own pictures: a folder, searched with its subfolders, a .txt beside each picture.

Debian's package tuxpaint-stamps-default is such a folder (/usr/share/tuxpaint/stamps).
"""

from __future__ import annotations

import codecs
import hashlib
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from lynx.config.errors import LynxError
from lynx.data.formats.files import picture
from lynx.data.formats.pictured_texts import (
    CAPTIONS,
    PICTURE_ENDINGS,
    Pictured,
    UnusablePictureError,
    picture_samples,
)
from lynx.data.formats.skipped import skip
from lynx.data.sample import Round, Sample

NO_FILE = "pictures without a .txt beside them"
NO_UTF8 = "pictures whose text is no UTF-8"
NO_WORDS = "pictures without words, or with digits in them"
TOO_LONG = "pictures whose text is too long for a name"
ALL_WHITE = "pictures with nothing to see on white"
LONGEST_NAME = 4  # words

_PARTS = ("train", "held_out")
_TASKS = ("caption", "name")
_NEARLY_WHITE = 240  # of 255; Tux Paint has a white lightning bolt
_VARIANT = re.compile(r"_(mirror|flip|mirror_flip)$")  # Tux Paint's views of the same picture
_ARTICLE = re.compile(r"^(a|an|the|some) ", re.IGNORECASE)


def read(
    root: Path,
    *,
    source: str,
    skipped: Counter[str],
    task: str = "caption",
    caption_line: str = "first",
    plain: bool = False,
    square: int | None = None,
    part: str = "train",
    held_out_share: int = 0,
) -> Iterator[Sample]:
    """One sample per picture, in the order of their paths.

    task: `caption` takes a text as it is; `name` without article and full stop, and only if it has
    at most LONGEST_NAME words. caption_line: `all` makes a row of each line of a .txt. plain: texts
    keep their ASCII letters only, in lower case; one with a digit is left out. square: puts each
    picture on white in a square JPEG of at most that many pixels a side; what is white all over is
    left out. held_out_share: one picture in this many belongs to the `part` held_out, which one
    depends on its path below `root` alone; views of one picture (_mirror, _flip, _mirror_flip)
    stay together; 0 holds none out. LynxError where there is no picture.
    """
    _check(task, caption_line, part, held_out_share, square)
    paths = [path for path in sorted(root.rglob("*")) if path.suffix.lower() in PICTURE_ENDINGS]
    if not paths:
        raise LynxError(f"{root}: has no pictures ({', '.join(PICTURE_ENDINGS)})")

    def entries() -> Iterator[Pictured]:
        for path in paths:
            name = path.relative_to(root).as_posix()
            if is_held_out(name, held_out_share) != (part == "held_out"):
                continue
            texts = _texts(path.with_suffix(".txt"), caption_line, plain, skipped)
            names = _names(texts, path, skipped) if task == "name" else texts
            if names:
                yield Pictured(name, path, [Round({}, text) for text in names])

    def content(path: Path) -> bytes | None:
        return picture(path) if square is None else flattened(path, square)

    yield from picture_samples(entries(), source=source, skipped=skipped, content=content)


def is_held_out(name: str, share: int) -> bool:
    """Whether the picture with that path is among the one in `share` that is kept for evaluation.

    Names that differ in the ending or in _mirror, _flip or _mirror_flip alone get the same answer.
    """
    if share == 0:
        return False
    same = _VARIANT.sub("", PurePosixPath(name).with_suffix("").as_posix())
    return int.from_bytes(hashlib.sha256(same.encode()).digest()[:8], "big") % share == 0


def plain_words(text: str) -> str:
    """The text in ASCII letters, lower case, single spaces; empty if a digit would be lost."""
    decomposed = unicodedata.normalize("NFKD", text)
    ascii_text = "".join(c for c in decomposed if not unicodedata.combining(c)).lower()
    if any(character.isdigit() for character in ascii_text):
        return ""
    ascii_text = re.sub(r"(?<=[a-z])['\u2019\u02bc](?=[a-z])", "", ascii_text)
    return " ".join(re.findall(r"[a-z]+", ascii_text))


def flattened(path: Path, most: int) -> bytes | None:
    """The picture as a square JPEG on white, at most `most` pixels a side; None if unreadable.

    UnusablePictureError if all of it is white.
    """
    try:
        with Image.open(path) as opened:
            image = opened.convert("RGBA")
    except Exception:  # on damaged files Pillow also raises AssertionError and others
        return None
    image.thumbnail((most, most), Image.Resampling.LANCZOS)
    side = max(image.size)
    on_white = Image.new("RGBA", (side, side), "white")
    on_white.alpha_composite(image, ((side - image.width) // 2, (side - image.height) // 2))
    if np.asarray(on_white.convert("L")).min() > _NEARLY_WHITE:
        raise UnusablePictureError(ALL_WHITE)
    stream = io.BytesIO()
    on_white.convert("RGB").save(stream, "JPEG", quality=95, subsampling=0)
    return stream.getvalue()


def _texts(path: Path, caption_line: str, plain: bool, skipped: Counter[str]) -> list[str]:
    """The texts of a .txt, at most one unless all lines are asked for; counted if there is none."""
    try:
        lines = path.read_bytes().removeprefix(codecs.BOM_UTF8).splitlines()
    except OSError:
        skip(skipped, NO_FILE, path)
        return []
    try:  # the first line alone where no other is asked for: Tux Paint's others have any coding
        taken = [one.decode() for one in (lines if caption_line == "all" else lines[:1])]
    except UnicodeDecodeError:
        skip(skipped, NO_UTF8, path)
        return []
    texts = [plain_words(line) if plain else " ".join(line.split()) for line in taken]
    kept = [text for text in texts if text]
    if not kept:
        skip(skipped, NO_WORDS, path)
    return kept


def _names(texts: list[str], path: Path, skipped: Counter[str]) -> list[str]:
    """The texts that are short enough to be an answer, without article; counted if none is."""
    names = [_ARTICLE.sub("", text).rstrip(".!") for text in texts]
    short = [name for name in names if name and len(name.split()) <= LONGEST_NAME]
    if texts and not short:
        skip(skipped, TOO_LONG, path)
    return short


def _check(task: str, caption_line: str, part: str, share: int, square: int | None) -> None:
    for option, value, allowed in (
        ("task", task, _TASKS),
        ("caption_line", caption_line, CAPTIONS),
        ("part", part, _PARTS),
    ):
        if value not in allowed:
            raise LynxError(f"the option `{option}` is {value!r}; it can be {', '.join(allowed)}")
    if share < 0 or (part == "held_out" and share == 0):
        raise LynxError(
            f"the option `held_out_share` is {share}; one picture in this many is held out, so it "
            "must be above 0 for the part held_out (10, for example)"
        )
    if square is not None and square < 1:
        raise LynxError(f"the option `square` is {square}; it is a number of pixels, or null")
