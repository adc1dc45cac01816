"""Holds a table before it is printed: cells that know what they are and which files they come from.

A table is built once, as a Document, and then shown in any of the forms in `renderers/`, saved
beside the runs (`saved.py`) or compared with what was saved (`verifying.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

# paper: the paper's figure beside one of ours. reported: a whole row that only the paper has, of a
# model that was not run here. measured: from runs on disk. delta: a difference between two rows.
Kind = Literal["label", "paper", "reported", "measured", "delta", "verdict", "note"]
NOTHING = "-"  # stands where there is no figure


@dataclass(frozen=True)
class Cell:
    """One cell. value, low, high: the figure and its interval in the unit printed, before rounding.

    sources: the files it was computed from, relative to the folder of runs, "/" between parts.
    is_stale: configuration, data or code have changed since it was measured. span: columns covered.
    """

    text: str
    kind: Kind = "label"
    sources: tuple[str, ...] = ()
    value: float | None = None
    low: float | None = None
    high: float | None = None
    is_stale: bool = False
    span: int = 1


@dataclass(frozen=True)
class Grid:
    """Rows of cells under header rows; a row of one cell is a heading across all columns.

    title: printed above, "" for none. gap: spaces between columns in the terminal. left: columns
    that are flush left; the others are flush right. folded: a flush-left column whose texts may go
    on in further lines, where a terminal is too narrow.
    """

    header: tuple[tuple[Cell, ...], ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    gap: int = 2
    left: frozenset[int] = frozenset({0})
    folded: int | None = None

    def __post_init__(self) -> None:
        for row in (*self.header, *self.rows):
            width = sum(cell.span for cell in row)
            if width != self.num_columns and not is_heading(row):
                raise ValueError(f"a row of {width} columns in a grid of {self.num_columns}")

    @property
    def num_columns(self) -> int:
        """Columns of the widest row."""
        rows = (*self.header, *self.rows)
        return max((sum(cell.span for cell in row) for row in rows), default=0)

    @property
    def cells(self) -> Iterator[Cell]:
        """All cells, header first, row by row."""
        for row in (*self.header, *self.rows):
            yield from row


@dataclass(frozen=True)
class Document:
    """A table as it is shown: lines above, grids and paragraphs of text, lines below.

    notes: what to know before reading (counts, seeds, the judge). blocks: in order. caption: what
    the marks and intervals mean, and what the paper itself has wrong. stale: for each evaluation
    that is out of date, why. unknown: what could not be compared for that. judges: who decided.
    """

    name: str
    title: str
    notes: tuple[str, ...]
    blocks: tuple[Grid | str, ...]
    caption: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    judges: tuple[str, ...] = ()

    @property
    def grids(self) -> tuple[Grid, ...]:
        """The blocks that are grids."""
        return tuple(block for block in self.blocks if isinstance(block, Grid))

    @property
    def cells(self) -> Iterator[Cell]:
        """All cells of all grids."""
        for grid in self.grids:
            yield from grid.cells


def is_heading(row: tuple[Cell, ...]) -> bool:
    """Whether the row is one cell that stands across the whole grid."""
    return len(row) == 1


def label(text: str) -> Cell:
    """A cell of words."""
    return Cell(text)


def labels(*texts: str) -> tuple[Cell, ...]:
    """A row of words."""
    return tuple(Cell(text) for text in texts)


def paper(text: str, value: float | None = None, *, is_reported: bool = False) -> Cell:
    """A figure that the paper prints; is_reported: of a row that nobody ran here."""
    return Cell(text, "reported" if is_reported else "paper", value=value)


def nothing(kind: Kind = "measured") -> Cell:
    """The place of a figure that there is not."""
    return Cell(NOTHING, kind)
