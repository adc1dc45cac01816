"""Reads dialogues written as one text with marks of who speaks: Baize, OIG of LAION."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from lynx.data.formats.dialogues import dialogue_rounds
from lynx.data.formats.files import matching, placed, read_records, shard_key, text_of
from lynx.data.sample import Sample, Split


def read(
    root: Path,
    *,
    source: str,
    skipped: Counter[str],
    files: Sequence[str],
    text_key: str,
    user: str,
    bot: str,
    split: Split = "dialog",
) -> Iterator[Sample]:
    """One sample per record of the files; what stands before the first mark is left out.

    files: patterns of JSON or JSON Lines files below `root`. text_key: where a record has its
    text. user, bot: the marks before what each says ("[|Human|]", "[|AI|]"). split: how many rows
    a dialogue makes (see Sample).
    """
    marks = re.compile(f"({re.escape(user)}|{re.escape(bot)})")
    for path in matching(root, files):
        for number, (place, record) in enumerate(placed(read_records(path), path)):
            parts = marks.split(text_of(record, text_key, place))[1:]
            turns = [
                (mark == user, said) for mark, said in zip(parts[::2], parts[1::2], strict=True)
            ]
            rounds = dialogue_rounds(turns, skipped, place=place)
            if rounds:
                key = shard_key(path.name.split(".")[0], f"{number:07d}")
                yield Sample(key, source, "text", rounds, split=split)
