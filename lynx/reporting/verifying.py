"""Rebuilds a saved table offline, from the answers on, and says which cells have drifted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lynx.config.errors import LynxError
from lynx.reporting.battles_measured import sha256_of
from lynx.reporting.grid import Cell, Document, Grid, is_heading
from lynx.reporting.recompute import is_near, mismatches
from lynx.reporting.recompute_battles import battle_mismatches
from lynx.reporting.requests import Request
from lynx.reporting.saved import FOLDER, SavedTable, read_saved, saved_path, table_code
from lynx.tracking.run_dir import RunDir

GONE = "(gone)"
NEW = "(not there)"


@dataclass(frozen=True)
class Drift:
    """Something that is not as it was saved: a cell of the table, or a place of a file.

    files: those behind it that have changed, relative to the folder of runs.
    """

    place: str
    old: str
    new: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verification:
    """What came of a table: cells compared, files read, and everything that has drifted.

    notes: what has changed without moving a cell, and so is no drift.
    """

    number: int
    num_cells: int
    num_files: int
    drifts: tuple[Drift, ...]
    notes: tuple[str, ...]

    @property
    def has_drifted(self) -> bool:
        """Whether the saved table is not what its files give today."""
        return bool(self.drifts)


def saved_numbers(scale: str, output_dir: Path) -> list[int]:
    """Numbers of the tables that were saved at the scale."""
    names = (path.stem for path in (output_dir / scale / FOLDER).glob("table_*.json"))
    digits = (name.removeprefix("table_") for name in names)
    return sorted(int(one) for one in digits if one.isdigit())


def verify(
    number: int,
    *,
    scale: str,
    output_dir: Path,
    rebuild: Callable[[Request], Document],
) -> Verification:
    """Judge and count again what is behind the table, make it again, and compare every cell.

    rebuild: makes the document of a request. Raises LynxError where no such table was saved.
    """
    saved = read_saved(saved_path(Request(number, scale, output_dir)), output_dir)
    changed = _changed_files(saved)
    drifts = list(_recomputed(saved))
    try:
        document = rebuild(saved.request)
    except LynxError as error:
        drifts.append(Drift("the whole table", saved.document.title, f"can't be made: {error}"))
        document = saved.document
    cells = _by_place(saved.document)
    drifts += _cell_drifts(cells, _by_place(document), changed, set(saved.files))
    notes = _notes(saved, changed, drifts)
    return Verification(number, len(cells), len(saved.files), tuple(drifts), tuple(notes))


def _changed_files(saved: SavedTable) -> dict[str, str]:
    """Files that are not as they were, and what became of them."""
    found = {}
    for path, sha256 in saved.files.items():
        here = saved.request.output_dir / path
        if not here.is_file():
            found[path] = "is gone"
        elif sha256_of(here) != sha256:
            found[path] = "has changed"
    return found


def _recomputed(saved: SavedTable) -> Iterable[Drift]:
    """Contradictions between answers, verdicts, scores and ratings."""
    output_dir = saved.request.output_dir
    for run, benchmark in _evaluations(saved):
        for one in mismatches(run, benchmark):
            yield Drift(f"{one.file}: {one.place}", one.old, one.new, (one.file,))
    for folder in _battle_folders(saved):
        for one in battle_mismatches(folder, output_dir):
            yield Drift(f"{one.file}: {one.place}", one.old, one.new, (one.file,))


def _evaluations(saved: SavedTable) -> list[tuple[RunDir, str]]:
    """Evaluations behind the table's cells that are still there."""
    found: dict[tuple[Path, str], None] = {}
    for path in saved.files:
        parts = PurePosixPath(path).parts
        # <scale>/<variant>/seed<k>/eval/<benchmark>/<file>
        if len(parts) == 6 and parts[3] == "eval":
            found[saved.request.output_dir.joinpath(*parts[:3]), parts[4]] = None
    evaluations = [(RunDir(path), benchmark) for path, benchmark in found]
    return [
        (run, name) for run, name in evaluations if (run.eval_dir(name) / "scores.json").is_file()
    ]


def _battle_folders(saved: SavedTable) -> list[Path]:
    names = (path for path in saved.files if PurePosixPath(path).name == "ratings.json")
    folders = [(saved.request.output_dir / path).parent for path in names]
    return [folder for folder in folders if (folder / "ratings.json").is_file()]


def _cell_drifts(
    before: Mapping[str, Cell], after: Mapping[str, Cell], changed: Mapping[str, str],
    known: set[str],
) -> list[Drift]:  # fmt: skip
    found = []
    for place in dict.fromkeys([*before, *after]):
        old, new = before.get(place), after.get(place)
        if old is not None and new is not None and _is_same(old, new):
            continue
        sources = dict.fromkeys(s for cell in (old, new) if cell for s in cell.sources)
        behind = tuple(
            f"{path} {changed.get(path, 'is new')}"
            for path in sources
            if path in changed or path not in known
        )
        texts = (NEW if old is None else old.text, GONE if new is None else new.text)
        found.append(Drift(place, *texts, behind))
    return found


def _is_same(old: Cell, new: Cell) -> bool:
    """Whether two cells say the same; being out of date is no drift, as the figure is the same."""
    figures = ((old.value, new.value), (old.low, new.low), (old.high, new.high))
    return (
        old.text == new.text
        and old.kind == new.kind
        and all(is_near(one, other) for one, other in figures)
    )


def _by_place(document: Document) -> dict[str, Cell]:
    """Every cell by the words that lead to it: grid, heading, row, column; counted where twice."""
    found: dict[str, Cell] = {}
    for number, grid in enumerate(document.grids, start=1):
        columns = _column_names(grid)
        heading = ""
        for row in grid.rows:
            if is_heading(row):
                heading = row[0].text
            place = 0
            for cell in row:
                parts = [
                    f"grid {number}", grid.title, heading,
                    "" if is_heading(row) else row[0].text.strip(), columns[place],
                ]  # fmt: skip
                _put(found, ", ".join(part for part in parts if part), cell)
                place += cell.span
        for line, row in enumerate(grid.header):
            for place, cell in enumerate(row):
                _put(found, f"grid {number}, header {line + 1}, column {place + 1}", cell)
    return found


def _put(found: dict[str, Cell], place: str, cell: Cell) -> None:
    name, times = place, 1
    while name in found:
        times += 1
        name = f"{place} ({times})"
    found[name] = cell


def _column_names(grid: Grid) -> list[str]:
    """The words above each column."""
    names = [""] * grid.num_columns
    for row in grid.header:
        place = 0
        for cell in row:
            for number in range(place, place + cell.span):
                names[number] = f"{names[number]} {cell.text}".strip()
            place += cell.span
    return names


def _notes(saved: SavedTable, changed: Mapping[str, str], drifts: list[Drift]) -> list[str]:
    told = {file.split(" ")[0] for drift in drifts for file in drift.files}
    notes = [
        f"{path} {what}, and no cell with it" for path, what in changed.items() if path not in told
    ]
    if saved.code != table_code():
        notes.append(f"made by code {saved.code} on {saved.date}, checked by code {table_code()}")
    return notes


def verification_text(found: Verification, *, num_shown: int = 40) -> str:
    """A line that sums up, then what has drifted: old, new, and the files behind it."""
    if not found.has_drifted:
        lines = [
            f"table {found.number}: {found.num_cells} cells and {found.num_files} files agree; "
            "judged, counted and made again offline"
        ]
        return "\n".join([*lines, *(f"  {note}" for note in found.notes)])
    lines = [f"table {found.number}: {len(found.drifts)} drifted of {found.num_cells} cells"]
    for drift in found.drifts[:num_shown]:
        lines.append(f"  {drift.place}: {drift.old} -> {drift.new}")
        lines += [f"    {file}" for file in drift.files]
    if len(found.drifts) > num_shown:
        lines.append(f"  and {len(found.drifts) - num_shown} more")
    return "\n".join([*lines, *(f"  {note}" for note in found.notes)])
