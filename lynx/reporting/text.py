"""Lays out plain-text tables."""

from __future__ import annotations

from collections.abc import Sequence

WIDTH = 110  # columns of a terminal that every table fits into


def aligned(rows: Sequence[Sequence[str]], *, gap: int = 2) -> str:
    """Columns as wide as their widest cell; the first is flush left, the others flush right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for first, *rest in rows:
        cells = [first.ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        lines.append((" " * gap).join(cells).rstrip())
    return "\n".join(lines)


def shortened(text: str, width: int) -> str:
    """`text` on one line of at most `width` characters."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 3] + "..."
