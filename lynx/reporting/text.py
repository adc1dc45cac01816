"""Lays out plain-text tables."""

from __future__ import annotations

from collections.abc import Collection, Sequence

WIDTH = 110  # columns of a terminal that every table fits into


def aligned(rows: Sequence[Sequence[str]], *, gap: int = 2) -> str:
    """Columns as wide as their widest cell; the first is flush left, the others flush right."""
    return "\n".join(columns(rows, gap=gap))


def columns(
    rows: Sequence[Sequence[str]], *, gap: int = 2, left: Collection[int] = (0,)
) -> list[str]:
    """A line per row, columns as wide as their widest cell.

    left: columns that are flush left; the others are flush right.
    """
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if number in left else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append((" " * gap).join(cells).rstrip())
    return lines


def shortened(text: str, width: int) -> str:
    """`text` on one line of at most `width` characters."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 3] + "..."
