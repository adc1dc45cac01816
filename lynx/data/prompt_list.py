"""Reads the numbered list that a language model wrote."""

from __future__ import annotations

import re

_NUMBER = r"[*_]*\d{1,3}[*_]*[).:][*_]*"
_AT_LINE_STARTS = re.compile(rf"^[ \t]*{_NUMBER}[ \t]+", re.MULTILINE)
_AFTER_SEMICOLONS = re.compile(rf"(?:^|;)\s*{_NUMBER}\s+")
_TYPOGRAPHIC = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "\u00a0": " "})


def listed(reply: str) -> list[str]:
    """The entries of the numbered list in a reply, which has a line each or goes on in one line.

    An empty line ends an entry; what stands before the first number is dropped.
    """
    marks = list(_AT_LINE_STARTS.finditer(reply))
    if len(marks) < 2:
        marks = list(_AFTER_SEMICOLONS.finditer(reply)) or marks
    starts = [mark.start() for mark in marks] + [len(reply)]
    entries = [reply[mark.end() : end] for mark, end in zip(marks, starts[1:], strict=True)]
    return [_tidied(re.split(r"\n\s*\n", entry)[0]) for entry in entries]


def _tidied(entry: str) -> str:
    """Without the list's semicolon, emphasis and quotation marks around the whole."""
    text = entry.translate(_TYPOGRAPHIC).strip().rstrip(";").strip()
    for mark in ("**", "*", '"', "'", "`"):
        inner = text.removeprefix(mark).removesuffix(mark)
        if len(inner) == len(text) - 2 * len(mark) and mark not in inner:
            text = inner.strip()
    return text
