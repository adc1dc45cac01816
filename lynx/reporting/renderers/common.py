"""What the forms share: the mark of stale cells and the lines that explain it."""

from __future__ import annotations

from lynx.reporting.grid import Cell, Document, Grid

DAGGER = "†"
STALE_CAPTION = "out of date, as something that decides it has changed since it was measured:"


def marked(cell: Cell) -> str:
    """The cell's text, with a dagger where it is stale."""
    return f"{cell.text}{DAGGER}" if cell.is_stale else cell.text


def stale_lines(document: Document) -> list[str]:
    """Why cells are stale, under a line that explains the mark, and what could not be known."""
    marks = [f"{DAGGER} {STALE_CAPTION}"] if document.stale else []
    return [*marks, *(f"  {reason}" for reason in document.stale), *document.unknown]


def expanded(grid: Grid, row: tuple[Cell, ...]) -> list[Cell]:
    """The row with an empty cell for every column that a cell covers besides its first."""
    cells = [one for cell in row for one in (cell, *[Cell("", cell.kind)] * (cell.span - 1))]
    return [*cells, *[Cell("")] * (grid.num_columns - len(cells))]
