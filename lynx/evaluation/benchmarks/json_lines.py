"""Reads JSON lines that others wrote, and names file and line where they hold something else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lynx.config.errors import LynxError

_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_MOST_DIGITS = 18


def json_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each line's place, "FILE, line N", and its mapping; BOM, CRLF and empty lines are fine."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise LynxError(f"{path} can't be read as JSON lines: {error}") from error
    # Not splitlines(): an answer may hold a character that it takes for the end of a line.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise LynxError(f"{where}: no JSON ({error})") from error
        if not isinstance(row, dict):
            raise LynxError(f"{where}: a {type(row).__name__}, where a mapping is wanted")
        if _HALF.search(line) and not _is_text(row):
            raise LynxError(
                f"{where}: an escape such as \\ud83d stands alone, which is half of a character: "
                "leave it out, or write both halves"
            )
        yield where, row


def as_index(id_: str) -> int | str:
    """A number where the text is one as it is printed, as ids are numbers in published files."""
    is_number = id_.isascii() and id_.isdecimal() and (id_ == "0" or not id_.startswith("0"))
    return int(id_) if is_number and len(id_) <= _MOST_DIGITS else id_


def _is_text(row: dict[str, Any]) -> bool:
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
