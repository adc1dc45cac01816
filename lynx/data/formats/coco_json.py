"""Reads annotations as COCO has them: lists of pictures, of annotations and perhaps of categories.

Captions (annotations/captions_train2014.json) or names of what is in the picture (AIcrowd's food).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lynx.config.errors import LynxError
from lynx.data.formats.files import found, placed, read_json, text_of, wanted
from lynx.data.formats.pictured_texts import (
    Pictured,
    caption_rounds,
    label_round,
    picture_finder,
    picture_samples,
)
from lynx.data.sample import Sample


def read(
    root: Path,
    *,
    source: str,
    skipped: Counter[str],
    annotations: str = "annotations/captions_train2014.json",
    images: str = "train2014",
    name: str | None = None,
    replace: Mapping[str, str] | None = None,
    captions: str = "first",
) -> Iterator[Sample]:
    """One sample per picture, in the file's order.

    annotations, images: a file and a folder below `root`. name: field of a category with its name,
    which is the text then, with `replace` done; without it the text is the annotation's caption.
    captions: `all` makes a row of each annotation, `first` of each picture's first.
    """
    path = found(root, annotations)
    content = read_json(path)
    texts = _texts(content, path, name, replace or {})
    path_of = picture_finder(root, images)
    entries = (
        Pictured(file, path_of(file), caption_rounds(texts.get(number, ()), captions))
        for number, file in _pictures(content, path)
    )
    yield from picture_samples(entries, source=source, skipped=skipped)


def _pictures(content: Any, path: Path) -> Iterator[tuple[int, str]]:
    for place, record in placed(wanted(content, "images", path), path):
        yield wanted(record, "id", place), text_of(record, "file_name", place)


def _texts(
    content: Any, path: Path, name: str | None, replace: Mapping[str, str]
) -> dict[int, list[str]]:
    """The texts about each picture, by its number."""
    names: dict[int, str] = {}
    if name is not None:
        for place, record in placed(wanted(content, "categories", path), path):
            text = text_of(record, name, place)
            names[wanted(record, "id", place)] = label_round(text, replace).response
    texts: dict[int, list[str]] = {}
    for place, record in placed(wanted(content, "annotations", path), path):
        if name is None:
            text = text_of(record, "caption", place)
        else:
            category = wanted(record, "category_id", place)
            if category not in names:
                raise LynxError(f"{path}: an annotation is of category {category}, which has none")
            text = names[category]
        texts.setdefault(wanted(record, "image_id", place), []).append(text)
    return texts
