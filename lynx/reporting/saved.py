"""Saves a table beside the runs it was made from: cells, the files behind them, code and judges."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from lynx.config.errors import LynxError
from lynx.reporting.battles_measured import sha256_of
from lynx.reporting.grid import Cell, Document, Grid
from lynx.reporting.requests import OtherModel, Request
from lynx.tracking.code_identity import code_identity
from lynx.tracking.files import write_json_atomic

FOLDER = "tables"
FORMAT = 1
_DEFAULTS: Mapping[str, Any] = {
    "kind": "label", "sources": [], "value": None, "low": None, "high": None, "is_stale": False,
    "span": 1,
}  # fmt: skip


@dataclass(frozen=True)
class SavedTable:
    """A table as it was printed: what was asked for, its cells, and the files' sha256 by path."""

    request: Request
    document: Document
    files: Mapping[str, str]
    code: str
    date: str


@cache
def table_code() -> str:
    """Twelve hex digits of the sources that make tables, and of those that answer and judge."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256(code_identity().encode())
    for path in sorted((package / "reporting").rglob("*")):
        if path.suffix in (".py", ".yaml"):
            digest.update(path.relative_to(package).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def saved_path(request: Request) -> Path:
    """`<output_dir>/<scale>/tables/table_<n>.json`."""
    return request.scale_dir / FOLDER / f"table_{request.number}.json"


def save(request: Request, document: Document) -> Path:
    """Write the table, over the one of the same number and scale that was printed before."""
    paths = sorted({path for cell in document.cells for path in cell.sources})
    places = {path: place for place, path in enumerate(paths)}
    content = {
        "format": FORMAT,
        "table": request.number,
        "scale": request.scale,
        "seeds": None if request.seeds is None else list(request.seeds),
        "others": [asdict(model) for model in request.others],
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "code": table_code(),
        "judges": list(document.judges),
        "title": document.title,
        "notes": list(document.notes),
        "caption": list(document.caption),
        "stale": list(document.stale),
        "unknown": list(document.unknown),
        "files": [{"path": path, "sha256": sha256_of(request.output_dir / path)} for path in paths],
        "blocks": [
            block if isinstance(block, str) else _grid_content(block, places)
            for block in document.blocks
        ],
    }
    path = saved_path(request)
    write_json_atomic(path, content)
    return path


def read_saved(path: Path, output_dir: Path) -> SavedTable:
    """A saved table; raises LynxError where there is none, or the file holds something else."""
    if not path.is_file():
        raise LynxError(f"no saved table at {path}: `lynx table <number>` prints and saves one")
    try:
        content = json.loads(path.read_text("utf-8"))
        if content["format"] != FORMAT:
            raise LynxError(f"{path}: has format {content['format']}, not {FORMAT}; print it anew")
        return _saved_of(content, output_dir)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise LynxError(f"{path}: is no saved table ({error}); print it anew") from error


def _saved_of(content: Mapping[str, Any], output_dir: Path) -> SavedTable:
    seeds = content["seeds"]
    paths = [file["path"] for file in content["files"]]
    request = Request(
        number=int(content["table"]),
        scale=content["scale"],
        output_dir=output_dir,
        seeds=None if seeds is None else tuple(seeds),
        others=tuple(
            OtherModel(**{**one, "paper_rows": {int(k): v for k, v in one["paper_rows"].items()}})
            for one in content["others"]
        ),
    )
    document = Document(
        name=f"table_{request.number}",
        title=content["title"],
        notes=tuple(content["notes"]),
        blocks=tuple(
            block if isinstance(block, str) else _grid_of(block, paths)
            for block in content["blocks"]
        ),
        caption=tuple(content["caption"]),
        stale=tuple(content["stale"]),
        unknown=tuple(content["unknown"]),
        judges=tuple(content["judges"]),
    )
    files = {file["path"]: file["sha256"] for file in content["files"]}
    return SavedTable(request, document, files, content["code"], content["date"])


def _grid_content(grid: Grid, places: Mapping[str, int]) -> dict[str, Any]:
    return {
        "title": grid.title,
        "gap": grid.gap,
        "left": sorted(grid.left),
        "folded": grid.folded,
        "header": [[_cell_content(cell, places) for cell in row] for row in grid.header],
        "rows": [[_cell_content(cell, places) for cell in row] for row in grid.rows],
    }


def _grid_of(content: Mapping[str, Any], paths: list[str]) -> Grid:
    return Grid(
        header=tuple(tuple(_cell_of(cell, paths) for cell in row) for row in content["header"]),
        rows=tuple(tuple(_cell_of(cell, paths) for cell in row) for row in content["rows"]),
        title=content["title"],
        gap=content["gap"],
        left=frozenset(content["left"]),
        folded=content["folded"],
    )


def _cell_content(cell: Cell, places: Mapping[str, int]) -> dict[str, Any]:
    """The cell without what is as usual; sources by their place among the files."""
    content = {**asdict(cell), "sources": [places[path] for path in cell.sources]}
    return {k: v for k, v in content.items() if k not in _DEFAULTS or v != _DEFAULTS[k]}


def _cell_of(content: Mapping[str, Any], paths: list[str]) -> Cell:
    sources = tuple(paths[place] for place in content.get("sources", ()))
    return Cell(**{**_DEFAULTS, **content, "sources": sources})
