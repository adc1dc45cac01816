"""Reads NLVR2: claims that are true or false of a pair of pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from lynx.config.errors import LynxError
from lynx.data.formats.files import (
    found,
    picture,
    placed,
    read_json_lines,
    shard_key,
    text_of,
    wanted,
)
from lynx.data.formats.questions import NO_PICTURE, NO_QUESTION
from lynx.data.formats.skipped import skip
from lynx.data.sample import Round, Sample

_LABELS = ("True", "False")


def read(
    root: Path,
    *,
    source: str,
    skipped: Counter[str],
    file: str = "train.json",
    images: str = "images/train",
) -> Iterator[Sample]:
    """One sample per pair, left picture first, with one round per claim about it.

    file: one record per line, below `root`. images: folder with the numbered folders of the pairs.
    """
    folder, path = found(root, images), found(root, file)
    grouped: dict[str, list[Round]] = {}
    for place, record in placed(read_json_lines(path), path):
        label = str(wanted(record, "label", place))
        if label not in _LABELS:
            raise LynxError(f"{place}: the label {label!r} is neither True nor False")
        # `train-SET-PAIR-SENTENCE`: two sentences may be about one pair.
        pair = text_of(record, "identifier", place).rpartition("-")[0]
        claim = " ".join(text_of(record, "sentence", place).split())
        if not claim:
            skip(skipped, NO_QUESTION, place)
            continue
        name = f"{wanted(record, 'directory', place)}/{pair}"
        grouped.setdefault(name, []).append(Round({"hypothesis": claim}, label))
    for name, rounds in grouped.items():
        left, right = (picture(folder / f"{name}-img{side}.png") for side in (0, 1))
        if left is None or right is None:
            skip(skipped, NO_PICTURE, folder / f"{name}-img0.png", len(rounds))
            continue
        key = shard_key(name.rpartition("/")[2])
        yield Sample(key, source, "pair", tuple(rounds), (left, right), split="questions")
