"""Shows a Document as GitHub's Markdown."""

from __future__ import annotations

import re

from lynx.reporting.grid import Cell, Document, Grid, is_heading
from lynx.reporting.renderers.common import expanded, marked, stale_lines

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~#])")


def markdown_text(document: Document) -> str:
    """Reported rows are in italics; notes and captions are lists."""
    parts = [f"**{_escaped(document.title)}**"] if document.title else []
    parts += [_list(document.notes)] if document.notes else []
    for block in document.blocks:
        parts.append(f"```\n{block}\n```" if isinstance(block, str) else _grid(block))
    parts += [_list(lines) for lines in (document.caption, stale_lines(document)) if lines]
    return "\n\n".join(parts)


def _grid(grid: Grid) -> str:
    """Markdown has one header row: several are joined, column by column."""
    header = [_joined(column) for column in _header_columns(grid)]
    rule = [":--" if number in grid.left else "--:" for number in range(grid.num_columns)]
    lines = [header, rule]
    for row in grid.rows:
        if is_heading(row):
            texts = [f"**{_escaped(marked(row[0]))}**", *[""] * (grid.num_columns - 1)]
        else:
            texts = [_cell(cell) for cell in expanded(grid, row)]
        lines.append(texts)
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{_escaped(grid.title)}\n\n{text}" if grid.title else text


def _header_columns(grid: Grid) -> list[list[str]]:
    """Of each column the words above it; a word that spans several stands over each of them."""
    found: list[list[str]] = [[] for _ in range(grid.num_columns)]
    for row in grid.header:
        place = 0
        for cell in row:
            for number in range(place, place + cell.span):
                found[number].append(cell.text)
            place += cell.span
    return found


def _joined(words: list[str]) -> str:
    return _escaped(" ".join(word for word in words if word))


def _cell(cell: Cell) -> str:
    text = _escaped(marked(cell).strip())
    return f"*{text}*" if cell.kind == "reported" and text else text


def _list(lines: tuple[str, ...] | list[str]) -> str:
    return "\n".join(f"- {_escaped(line.strip())}" for line in lines)


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text).replace("\n", " ")
