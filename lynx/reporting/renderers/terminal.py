"""Shows a Document as plain text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from lynx.reporting.grid import Document, Grid, is_heading
from lynx.reporting.renderers.common import expanded, marked, stale_lines
from lynx.reporting.text import WIDTH, columns


def terminal_text(document: Document) -> str:
    """Blocks between empty lines; stale cells carry a dagger."""
    parts = [_lines([document.title, *document.notes])] if document.title else []
    parts += [block if isinstance(block, str) else grid_text(block) for block in document.blocks]
    parts += [_lines(lines) for lines in (document.caption, stale_lines(document)) if lines]
    return "\n\n".join(parts)


def _lines(texts: Sequence[str]) -> str:
    """A line each; what is wider than a terminal goes on below, set in."""
    return "\n".join(
        folded for text in texts for line in text.split("\n") for folded in _folded(line)
    )


def _folded(line: str) -> list[str]:
    if len(line) <= WIDTH:
        return [line]
    return textwrap.wrap(
        line, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


def grid_text(grid: Grid) -> str:
    """Columns as wide as their widest cell; headings stand in the way of no column."""
    rows = [*grid.header, *grid.rows]
    body = [[marked(cell) for cell in expanded(grid, row)] for row in rows if not is_heading(row)]
    parts = iter(_with_further_lines(grid, body))
    heights = [0 if is_heading(row) else len(next(parts)) for row in rows]
    every = [line for part in _with_further_lines(grid, body) for line in part]
    lines = iter(columns(every, gap=grid.gap, left=grid.left)) if every else iter(())
    text: list[str] = [grid.title] if grid.title else []
    for row, height in zip(rows, heights, strict=True):
        text += [marked(row[0])] if is_heading(row) else [next(lines) for _ in range(height)]
    return "\n".join(text)


def _with_further_lines(grid: Grid, body: Sequence[list[str]]) -> list[list[list[str]]]:
    """Of each row its lines: one, or several where its folded column is too wide for a terminal."""
    if grid.folded is None:
        return [[row] for row in body]
    widths = [max(map(len, column)) for column in zip(*body, strict=True)]
    room = WIDTH - sum(widths) - grid.gap * (len(widths) - 1) + widths[grid.folded]
    found = []
    for row in body:
        first, *further = textwrap.wrap(row[grid.folded], max(room, 20)) or [""]
        lines = [[*row[: grid.folded], first, *row[grid.folded + 1 :]]]
        for text in further:
            lines.append(["" if n != grid.folded else text for n in range(len(row))])
        found.append(lines)
    return found
