"""Reads Flickr30k's captions: `NAME.jpg#NUMBER<tab>TEXT`, or Kaggle's `NAME.jpg| NUMBER| TEXT`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from lynx.data.formats.files import found, read_lines
from lynx.data.formats.pictured_texts import (
    Pictured,
    caption_rounds,
    picture_finder,
    picture_samples,
)
from lynx.data.formats.skipped import skip
from lynx.data.sample import Sample

NO_CAPTION_LINE = "lines without a picture, a number and a text"

_TOKEN = re.compile(r"(?P<name>[^#\t]+)#\d+\t(?P<text>.*)")
# One line of Kaggle's file (2199200615.jpg) lacks the second bar.
_BARS = re.compile(r"(?P<name>[^|]+)\|\s*\d+\s*\|?(?P<text>.*)")
_HEADER = "image_name|"


def read(
    root: Path,
    *,
    source: str,
    skipped: Counter[str],
    only: str | None = None,
    captions: str = "first",
) -> Iterator[Sample]:
    """One sample per picture.

    only: file below `root` with the pictures to take, one a line with or without .jpg, such as
    train.txt of Flickr30k Entities. captions: `all` makes a row of each of the five captions.
    """
    path = found(root, "results_20130124.token", "results.csv")
    path_of = picture_finder(root, found(root, "flickr30k-images", "flickr30k_images").name)
    texts: dict[str, list[str]] = {}
    for line in read_lines(path):
        match = _TOKEN.fullmatch(line) or _BARS.fullmatch(line)
        if match:
            texts.setdefault(match["name"].strip(), []).append(match["text"])
        elif not line.startswith(_HEADER):
            skip(skipped, NO_CAPTION_LINE, repr(line))
    taken = {line.strip() for line in read_lines(found(root, only))} if only else set()
    entries = (
        Pictured(name, path_of(name), caption_rounds(several, captions))
        for name, several in texts.items()
        if only is None or name in taken or name.removesuffix(".jpg") in taken
    )
    yield from picture_samples(entries, source=source, skipped=skipped)
