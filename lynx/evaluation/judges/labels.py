"""Reads files of verdicts: a judge's, or a person's labels as CSV or JSON lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lynx.config.errors import LynxError

_WORDS: Mapping[str, bool | None] = {
    "yes": True, "true": True, "1": True, "right": True, "correct": True,
    "no": False, "false": False, "0": False, "wrong": False, "incorrect": False,
    "": None, "null": None, "none": None, "unparseable": None, "unsure": None,
}  # fmt: skip


def read_labels(path: Path) -> dict[str, bool | None]:
    """Verdicts by id, in the file's order; None is unparseable, or a person's "unsure".

    A .csv has a header with `id` and `correct`; anything else is a JSON object per line with the
    same two. Raises LynxError with file and line.
    """
    labels: dict[str, bool | None] = {}
    for line, row in _rows(path):
        missing = [name for name in ("id", "correct") if name not in row or row["id"] is None]
        if missing:
            raise LynxError(f"{path}, line {line}: no '{missing[0]}'; every row needs id, correct")
        name = str(row["id"])
        if name in labels:
            raise LynxError(f"{path}, line {line}: a second verdict on '{name}'")
        labels[name] = _verdict(row["correct"], f"{path}, line {line}")
    if not labels:
        raise LynxError(f"{path} holds no verdicts; every row needs id, correct")
    return labels


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise LynxError(f"{path} can't be read as verdicts: {error}") from error
    yield from (_csv_rows if path.suffix.lower() == ".csv" else _json_rows)(path, text)


def _csv_rows(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True)
    fields = [name.strip() for name in reader.fieldnames or []]
    if not {"id", "correct"} <= set(fields):
        raise LynxError(
            f"{path}, line 1: the header is {', '.join(fields) or 'empty'}; it must name id and "
            "correct"
        )
    reader.fieldnames = fields
    for row in reader:
        yield reader.line_num, row


def _json_rows(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise LynxError(f"{path}, line {number}: is no JSON: {error}") from error
        if not isinstance(row, dict):
            raise LynxError(f"{path}, line {number}: is no JSON object with id and correct")
        yield number, row


def _verdict(value: Any, where: str) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word not in _WORDS:
        raise LynxError(
            f"{where}: correct is '{value}'; write yes or no (or true, false, 1, 0), or nothing "
            "where it can't be decided"
        )
    return _WORDS[word]
