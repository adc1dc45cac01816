"""Makes samples of pictures that each have one text or several: captions, names, claims."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from lynx.config.errors import LynxError
from lynx.data.formats.files import found, picture, shard_key
from lynx.data.formats.skipped import skip
from lynx.data.sample import Round, Sample, Split

NO_PICTURE = "pictures that are missing or unreadable"
NO_TEXT = "pictures without a text"
PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")

CAPTIONS = ("first", "all")  # of a picture with several
_ENDING = re.compile(r"\.\w{1,4}$")


class UnusablePictureError(LynxError):
    """A picture can be read, and is of no use; its text is the reason to count."""


class Pictured(NamedTuple):
    """A picture's name, which becomes the key; its file; the exchanges about it."""

    name: str
    path: Path
    rounds: Sequence[Round]


def picture_samples(
    entries: Iterable[Pictured],
    *,
    source: str,
    skipped: Counter[str],
    content: Callable[[Path], bytes | None] = picture,
) -> Iterator[Sample]:
    """One sample per picture, one row per round; pictures without text or file are counted.

    content: gives a picture's bytes, None where it can't be had;
        it raises UnusablePictureError where it is of no use.
    """
    keys: set[str] = set()
    for name, path, rounds in entries:
        if not rounds:
            skip(skipped, NO_TEXT, path)
            continue
        try:
            image = content(path)
        except UnusablePictureError as reason:
            skip(skipped, str(reason), path)
            continue
        if image is None:
            skip(skipped, NO_PICTURE, path)
            continue
        key = shard_key(_ENDING.sub("", name.lstrip("/")))
        if key in keys:  # listed twice, or alike in the letters and the length that a key takes
            distinct = hashlib.sha256(f"{name} {len(keys)}".encode()).hexdigest()
            key = shard_key(key, distinct[:12])
        keys.add(key)
        split: Split = "questions" if len(rounds) > 1 else "whole"
        yield Sample(key, source, "image", tuple(rounds), (image,), split=split)


def caption_rounds(texts: Iterable[str], captions: str) -> list[Round]:
    """The texts as responses, in one line each: all that say something, or the first of them."""
    if captions not in CAPTIONS:
        raise LynxError(f"the option `captions` is {captions!r}; it can be {', '.join(CAPTIONS)}")
    lines = [line for text in texts if (line := " ".join(text.split()))]
    return [Round({}, line) for line in (lines if captions == "all" else lines[:1])]


def label_round(name: str, replace: Mapping[str, str]) -> Round:
    """The class's name as response; replace: what stands for another letter ("_" for a blank)."""
    for old, new in replace.items():
        name = name.replace(old, new)
    return Round({}, " ".join(name.split()))


def picture_finder(root: Path, images: str | Sequence[str]) -> Callable[[str], Path]:
    """Gives the file of a picture's name, looked for in one folder below `root` or in several.

    LynxError where a folder is missing.
    """
    folders = [found(root, name) for name in ([images] if isinstance(images, str) else images)]

    def path_of(name: str) -> Path:
        relative = name.lstrip("/")  # Places365's begin with one, which would leave the folder
        paths = [folder / relative for folder in folders]
        return next((path for path in paths[:-1] if path.is_file()), paths[-1])

    return path_of


def file_name(pattern: str, value: Any, place: str | Path) -> str:
    """The name that a pattern ("{}.jpg") makes of what a record has for its picture."""
    if "{}" not in pattern:
        raise LynxError(f"{place}: the option `picture_name` is {pattern!r}; it needs a {{}}")
    return pattern.replace("{}", str(value))
