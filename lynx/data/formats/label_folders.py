"""Reads pictures that lie in a folder per class: ImageNet, clock times, paintings by style."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lynx.config.errors import LynxError
from lynx.data.formats.files import found, read_lines
from lynx.data.formats.pictured_texts import (
    PICTURE_ENDINGS,
    Pictured,
    label_round,
    picture_samples,
)
from lynx.data.sample import Sample


def read(
    root: Path,
    *,
    source: str,
    skipped: Counter[str],
    folder: str | Sequence[str] = ".",
    names: str | None = None,
    replace: Mapping[str, str] | None = None,
) -> Iterator[Sample]:
    """One sample per picture, class by class; the response is the class's name.

    folder: of the classes' folders, below `root`; of several the first that is there. names: file
    with a line per class, `FOLDER NAME, OTHER NAMES`, of which the first is taken; without it the
    folder's name is. replace: what stands for another letter in a name, {"_": " "} if not given.
    """
    top = found(root, *([folder] if isinstance(folder, str) else folder))
    known = _names(found(root, names)) if names else None
    changes = {"_": " "} if replace is None else replace
    classes = sorted(one for one in top.iterdir() if one.is_dir())
    if not classes:
        raise LynxError(f"{top}: has no folders; it must have one per class, with its pictures")

    def entries() -> Iterator[Pictured]:
        for one in classes:
            if known is not None and one.name not in known:
                raise LynxError(f"{root / str(names)}: has no name for the folder {one.name}")
            answer = label_round(known[one.name] if known else one.name, changes)
            for path in sorted(one.rglob("*")):
                if path.suffix.lower() in PICTURE_ENDINGS:
                    yield Pictured(path.relative_to(top).as_posix(), path, [answer])

    yield from picture_samples(entries(), source=source, skipped=skipped)


def _names(path: Path) -> dict[str, str]:
    names = {}
    for line in read_lines(path):
        folder, _, name = line.strip().partition(" ")
        names[folder] = name.split(",")[0].strip()
        if not names[folder]:
            raise LynxError(f"{path}: {line!r} gives no name; a line is `FOLDER NAME`")
    return names
