"""Reads dialogues about pictures in LLaVA's JSON: a list of {id, image, conversations}."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lynx.config.errors import LynxError
from lynx.data.formats.dialogues import dialogue_rounds
from lynx.data.formats.files import found, picture, placed, read_records, shard_key, text_of, wanted
from lynx.data.formats.skipped import skip
from lynx.data.sample import Sample, Split

NO_PICTURE = "dialogues whose picture is missing or unreadable"

_IS_USER = {"human": True, "gpt": False}
_TAG = "<image>"  # where LLaVA puts the picture; Lynx shows it without a place in the text


def read(
    root: Path,
    *,
    source: str,
    skipped: Counter[str],
    file: str,
    images: str,
    field: str = "instruction",
    split: Split = "dialog",
) -> Iterator[Sample]:
    """One sample per record of `file`; a record without `image` is a text.

    images: folder below `root`. field: the placeholder of the prompt pool that takes what the
    human says. split: how many rows a dialogue makes (see Sample).
    """
    path, folder = found(root, file), found(root, images)
    for number, (place, record) in enumerate(placed(read_records(path), path)):
        rounds = dialogue_rounds(_turns(record, place), skipped, field=field, place=place)
        if not rounds:
            continue
        # In llava_instruct_150k.json the `id` is a picture's and comes up to three times.
        key = shard_key(f"{number:06d}", wanted(record, "id", place))
        if "image" not in record:
            yield Sample(key, source, "text", rounds, split=split)
            continue
        image_path = folder / str(record["image"])
        image = picture(image_path)
        if image is None:
            skip(skipped, NO_PICTURE, image_path)
            continue
        yield Sample(key, source, "image", rounds, (image,), split=split)


def _turns(record: Mapping[str, Any], place: str) -> list[tuple[bool, str]]:
    turns = []
    for turn in wanted(record, "conversations", place):
        speaker = wanted(turn, "from", place)
        if speaker not in _IS_USER:
            raise LynxError(f"{place}: a turn is from {speaker!r}; must be human or gpt")
        turns.append((_IS_USER[speaker], text_of(turn, "value", place).replace(_TAG, "")))
    return turns
