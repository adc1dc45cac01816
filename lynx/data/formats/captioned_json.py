"""Reads a JSON list of records that each name a picture and have its caption, or several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lynx.config.errors import LynxError
from lynx.data.formats.files import found, placed, read_json, wanted
from lynx.data.formats.pictured_texts import (
    Pictured,
    caption_rounds,
    file_name,
    picture_finder,
    picture_samples,
)
from lynx.data.sample import Sample


def read(
    root: Path,
    *,
    source: str,
    skipped: Counter[str],
    file: str,
    images: str | Sequence[str],
    records: str | None = None,
    picture: str = "image_id",
    picture_name: str = "{}.jpg",
    caption: str = "caption",
    where: Mapping[str, str] | None = None,
    captions: str = "first",
) -> Iterator[Sample]:
    """One sample per picture; several records about one picture are its several captions.

    file: below `root`; records: its key with the list, where it is no list itself. picture,
    caption: fields of a record; a caption is a text or a list of texts. picture_name: makes the
    picture's path below `images` (a folder or several). where: fields that must have that value.
    captions: `all` makes a row of each caption, `first` of each picture's first.
    """
    path = found(root, file)
    path_of = picture_finder(root, images)
    texts: dict[str, list[str]] = {}
    for place, record in placed(_records(path, records), path):
        if all(wanted(record, field, place) == value for field, value in (where or {}).items()):
            name = file_name(picture_name, wanted(record, picture, place), place)
            texts.setdefault(name, []).extend(_captions(record, caption, place))
    entries = (
        Pictured(name, path_of(name), caption_rounds(several, captions))
        for name, several in texts.items()
    )
    yield from picture_samples(entries, source=source, skipped=skipped)


def _records(path: Path, key: str | None) -> list[Any]:
    content = read_json(path)
    found_here = content if key is None else wanted(content, key, path)
    if not isinstance(found_here, list):
        raise LynxError(f"{path}: has {type(found_here).__name__} where a list of records must be")
    return found_here


def _captions(record: Any, field: str, place: str) -> list[str]:
    value = wanted(record, field, place)
    several = value if isinstance(value, list) else [value]
    for one in several:
        if not isinstance(one, str):
            raise LynxError(f"{place}: `{field}` is {value!r}, no text or list of texts")
    return several
