"""Reads tables with a picture and its class per row: Places365, WikiArt, human actions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lynx.config.errors import LynxError
from lynx.data.formats.files import found, read_lines, read_rows, read_table
from lynx.data.formats.pictured_texts import (
    Pictured,
    label_round,
    picture_finder,
    picture_samples,
)
from lynx.data.sample import Sample


def read(
    root: Path,
    *,
    source: str,
    skipped: Counter[str],
    file: str | Sequence[str],
    images: str | Sequence[str],
    picture: int | str = 0,
    label: int | str = 1,
    delimiter: str = ",",
    classes: str | Sequence[str] | None = None,
    replace: Mapping[str, str] | None = None,
) -> Iterator[Sample]:
    """One sample per row; the response is the name of its class.

    file, images, classes: below `root`; of several the first that is there. picture, label:
    columns, by name where the table has a header, by number from 0 where it has none. classes:
    file with a number and a name per line, in either order, for tables that give numbers. replace:
    what stands for another letter in a name, {"_": " "} if not given.
    """
    path = found(root, *_several(file))
    folder = found(root, *_several(images))
    path_of = picture_finder(folder, ".")
    names = _names(found(root, *_several(classes))) if classes else None
    changes = {"_": " "} if replace is None else replace

    def entries() -> Iterator[Pictured]:
        for name, given in _rows(path, picture, label, delimiter):
            if names is not None and given not in names:
                raise LynxError(f"{path}: {name} is of class {given!r}, which {classes} hasn't")
            answer = label_round(names[given] if names else given, changes)
            yield Pictured(name, path_of(name), [answer] if answer.response else [])

    yield from picture_samples(entries(), source=source, skipped=skipped)


def _rows(
    path: Path, picture: int | str, label: int | str, delimiter: str
) -> Iterator[tuple[str, str]]:
    has_header = isinstance(picture, str)
    if has_header != isinstance(label, str):
        raise LynxError(
            f"{path}: the options `picture` ({picture!r}) and `label` ({label!r}) must both be "
            "names of columns or both numbers"
        )
    read_file: Any = read_table if has_header else read_rows
    for row in read_file(path, delimiter=delimiter):
        try:
            yield row[picture].strip(), row[label].strip()
        except (KeyError, IndexError, AttributeError) as error:
            raise LynxError(
                f"{path}: a row has no column {picture!r} or {label!r}: {row}"
            ) from error


def _names(path: Path) -> dict[str, str]:
    """The classes' names by number."""
    names = {}
    for line in read_lines(path):
        first, _, rest = line.strip().partition(" ")
        number, name = (first, rest) if first.isdigit() else (rest, first)
        if not number.strip().isdigit():
            raise LynxError(f"{path}: {line!r} is no number and name of a class")
        names[number.strip()] = _readable(name.strip())
    return names


def _readable(name: str) -> str:
    """What a class's path says: `/b/bus_station/indoor` is an indoor bus station."""
    parts = [part for part in name.split("/") if part]
    if name.startswith("/") and len(parts) > 1:
        parts = parts[1:]  # the folder of its first letter
    return " ".join(reversed(parts))


def _several(names: str | Sequence[str]) -> Sequence[str]:
    return [names] if isinstance(names, str) else names
