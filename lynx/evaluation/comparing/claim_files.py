"""Reads the tables of counts, of any paper, that `lynx claims` is asked about.

A file of tables, each cell a count of questions or a percentage:

    tables:
      "Table 5, images":
        base: Ours            # the row that the others are held against
        n: 302                # questions behind percentages; may also stand in a row
        rows:
          Ours: {overall: 76.16, OCR: [36, 53], Others: [194, 249]}   # [right, questions]
          w/ LLaMA: {overall: 70.86, n: 302}
          another: 71.2       # a percentage alone
          a third: {OCR: 55.6 of 53}     # a category's percentage
        wins: {w/ LLaMA: [42, 82]}   # questions on which people preferred it to the base

Percentages keep their decimals as written. Without `n`, the categories' questions are all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml

from lynx.config.errors import LynxError
from lynx.config.nearest import nearest_hint
from lynx.evaluation.claims import OVERALL, Row, Table
from lynx.evaluation.comparing.printed import Count, Percentage

_TABLE_KEYS = ("base", "n", "rows", "wins")
_OVERALL, _N = "overall", "n"
_DECIMAL = re.compile(r"[0-9]{1,3}(\.[0-9]{0,9})?|\.[0-9]{1,9}")
_MOST_DIGITS = 7
_PERCENT_OF = re.compile(r"([0-9.]+)\s*%?\s+of\s+([0-9]+)")


def read_tables(path: Path) -> list[Table]:
    """The tables of a file; a LynxError names the file and the key of what is wrong."""
    content = _read(path)
    if set(content) != {"tables"}:
        raise LynxError(
            f"{path}: holds {', '.join(content) or 'nothing'}, and should hold `tables` alone, as "
            "in tables: {Table 1: {base: Ours, n: 302, rows: {Ours: 76.16, Other: 74.50}}}"
        )
    tables = _mapping(content["tables"], f"{path}: `tables`")
    return [_table(f"{path}: `{title}`", title, table) for title, table in tables.items()]


def _read(path: Path) -> Mapping[str, Any]:
    """All leaves as texts, so that 76.10 keeps its decimals."""
    try:
        content = yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader)
    except OSError as error:
        raise LynxError(f"{path}: can't be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise LynxError(f"{path}: not readable as YAML: {error}") from error
    return _mapping(content, str(path))


def _table(place: str, title: str, content: Any) -> Table:
    table = _mapping(content, place)
    for key in table:
        if key not in _TABLE_KEYS:
            raise LynxError(f"{place}: unknown key `{key}`{nearest_hint(key, _TABLE_KEYS)}")
    for key in ("base", "rows"):
        if key not in table:
            raise LynxError(f"{place}: `{key}` is missing")
    n = _whole(table[_N], f"{place}: `n`") if _N in table else None
    rows = {
        name: _row(f"{place}, `{name}`", name, row, n)
        for name, row in _mapping(table["rows"], f"{place}: `rows`").items()
    }
    base = table["base"]
    if not isinstance(base, str) or base not in rows:
        raise LynxError(
            f"{place}: `base` is `{base}`, which is no row{nearest_hint(str(base), rows)}"
        )
    wins = _mapping(table.get("wins", {}), f"{place}: `wins`")
    won = {name: _count(pair, f"{place}: `wins`, `{name}`") for name, pair in wins.items()}
    return Table(title, base, rows, won)


def _row(place: str, name: str, content: Any, n: int | None) -> Row:
    cells = {_OVERALL: content} if isinstance(content, str) else _mapping(content, place)
    if _N in cells:
        n = _whole(cells[_N], f"{place}: `n`")
    counts: dict[str, Count] = {}
    percentages: dict[str, Percentage] = {}
    for key, cell in cells.items():
        where = f"{place}: `{key}`"
        if key in (_OVERALL, _N):
            continue
        if isinstance(cell, list):
            counts[key] = _count(cell, where)
        else:
            percentages[key] = one = _percentage_of(cell, where)
            if len(one.counts) == 1:
                counts[key] = Count(one.counts[0], one.n)
    if _OVERALL in cells:
        n = n or sum(one.n for one in counts.values()) or None
        percentages[OVERALL] = _percentage(cells[_OVERALL], n, f"{place}: `{_OVERALL}`")
    if not counts and not percentages:
        raise LynxError(f"{place}: holds neither counts nor `overall`")
    return Row(name, counts, percentages)


def _count(cell: Any, place: str) -> Count:
    if not isinstance(cell, list) or len(cell) != 2:
        raise LynxError(f"{place} must be [right, questions], such as [36, 53], not {cell!r}")
    right, n = (_whole(value, place) for value in cell)
    if not 0 <= right <= n or n == 0:
        raise LynxError(f"{place}: {right} of {n} can't be; [right, questions] is meant")
    return Count(right, n)


def _percentage_of(cell: Any, place: str) -> Percentage:
    found = _PERCENT_OF.fullmatch(cell.strip()) if isinstance(cell, str) else None
    if found is None:
        raise LynxError(f"{place} must be [right, questions] or `55.6 of 53`, not {cell!r}")
    return _percentage(found[1], _whole(found[2], place), place)


def _percentage(cell: Any, n: int | None, place: str) -> Percentage:
    if not n:
        raise LynxError(f"{place}: a percentage needs the number of questions, `n`")
    try:
        value = Decimal(cell) if isinstance(cell, str) and _DECIMAL.fullmatch(cell) else None
    except InvalidOperation:
        value = None
    if value is None:
        raise LynxError(f"{place} must be a percentage such as 76.16, not {cell!r}")
    if value > 100:
        raise LynxError(f"{place}: {cell} is no percentage between 0 and 100")
    return Percentage(cell, n)


def _whole(value: Any, place: str) -> int:
    if not (isinstance(value, str) and value.isascii() and value.isdigit()):
        raise LynxError(f"{place}: {value!r} must be a whole number")
    if len(value) > _MOST_DIGITS:
        raise LynxError(f"{place}: {value[:20]}... is more than a number of questions can be")
    return int(value)


def _mapping(content: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(content, dict):
        raise LynxError(f"{place} must be a mapping, not {content!r}")
    return content
