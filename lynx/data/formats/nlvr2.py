"""Reads NLVR2: claims that are true or false of a pair of pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from lynx.config.errors import LynxError
from lynx.data.formats.files import found, picture, read_json_lines, shard_key, wanted
from lynx.data.formats.questions import NO_PICTURE, NO_QUESTION
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
    for record in read_json_lines(path):
        label = str(wanted(record, "label", path))
        if label not in _LABELS:
            raise LynxError(f"{path}: the label {label!r} is neither True nor False")
        # `train-SET-PAIR-SENTENCE`: two sentences may be about one pair.
        pair = wanted(record, "identifier", path).rpartition("-")[0]
        claim = " ".join(wanted(record, "sentence", path).split())
        if not claim:
            skipped[NO_QUESTION] += 1
            continue
        name = f"{wanted(record, 'directory', path)}/{pair}"
        grouped.setdefault(name, []).append(Round({"hypothesis": claim}, label))
    for name, rounds in grouped.items():
        left, right = (picture(folder / f"{name}-img{side}.png") for side in (0, 1))
        if left is None or right is None:
            skipped[NO_PICTURE] += len(rounds)
            continue
        key = shard_key(name.rpartition("/")[2])
        yield Sample(key, source, "pair", tuple(rounds), (left, right), split="questions")
