"""Reads Pexels 110k: `pexels-prompts-pairs.json` gives a text per photo number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from lynx.config.errors import LynxError
from lynx.data.formats.files import found, read_json
from lynx.data.formats.pictured_texts import Pictured, caption_rounds, picture_samples
from lynx.data.sample import Sample

_PAIRS = "pexels-prompts-pairs.json"


def read(root: Path, *, source: str, skipped: Counter[str]) -> Iterator[Sample]:
    """One sample per pair; photos are files of `images` whose name ends with their number."""
    path, folder = found(root, _PAIRS), found(root, "images")
    # WORDS-3186010.jpeg, or the number alone
    photos = {photo.stem.rpartition("-")[2]: photo for photo in sorted(folder.iterdir())}
    entries = (
        Pictured(
            f"{number}.jpg", photos.get(number, folder / number), caption_rounds([text], "all")
        )
        for number, text in _pairs(path)
    )
    yield from picture_samples(entries, source=source, skipped=skipped)


def _pairs(path: Path) -> Iterator[tuple[str, str]]:
    """The numbers and texts of a list of mappings, each with one pair (or of one mapping)."""
    content = read_json(path)
    for record in content if isinstance(content, list) else [content]:
        if not isinstance(record, Mapping):
            raise LynxError(f"{path}: {record!r} doesn't map a photo's number to its text")
        for number, text in record.items():
            if not isinstance(text, str):
                raise LynxError(f"{path}: photo {number} has {text!r} for a text")
            yield str(number), text
