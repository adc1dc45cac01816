"""Reads instructions and their answers: Alpaca and its like, Unnatural Instructions, Flan v2."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lynx.data.formats.files import matching, placed, read_records, shard_key, text_of, wanted
from lynx.data.formats.skipped import skip
from lynx.data.sample import Round, Sample

NO_INSTRUCTION = "instructions without text"
NO_ANSWER = "instructions without an answer"

# What these sets write where an instruction has no input, and a task no constraints.
_NOTHING = {"", "none", "none.", "<noinput>"}


def read(
    root: Path,
    *,
    source: str,
    skipped: Counter[str],
    files: Sequence[str],
    instruction_keys: Sequence[str],
    answer_key: str,
    list_key: str = "",
) -> Iterator[Sample]:
    """One sample of text per instruction of the files.

    files: patterns of JSON or JSON Lines files below `root`, zipped (.gz) or not.
    instruction_keys: keys of a record whose texts make the instruction, a line each, without those
    that are empty or say none. answer_key: the key of the answer. list_key: where a record has a
    list of records with these keys (`instances` of Unnatural Instructions); "" for none.
    """
    for path in matching(root, files):
        for number, (place, record) in enumerate(placed(read_records(path), path)):
            entries = wanted(record, list_key, place) if list_key else [record]
            for index, entry in enumerate(entries):
                one = _round(entry, instruction_keys, answer_key, place, skipped)
                if one is not None:
                    within = (f"{number:08d}", *([index] if list_key else []))
                    key = shard_key(path.name.split(".")[0], *within)
                    yield Sample(key, source, "text", (one,))


def _round(
    entry: Any, instruction_keys: Sequence[str], answer_key: str, place: str, skipped: Counter[str]
) -> Round | None:
    parts = [text_of(entry, key, place).strip() for key in instruction_keys]
    instruction = "\n".join(part for part in parts if part.lower() not in _NOTHING)
    answer = text_of(entry, answer_key, place).strip()
    if not instruction or not answer:
        skip(skipped, NO_ANSWER if instruction else NO_INSTRUCTION, place)
        return None
    return Round({"instruction": instruction}, answer)
