"""Reads IAPR TC-12: a description per picture in `annotations_complete_eng/NN/NUMBER.eng`."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from lynx.config.errors import LynxError
from lynx.data.formats.files import found
from lynx.data.formats.pictured_texts import Pictured, caption_rounds, picture_samples
from lynx.data.sample import Sample

_FOLDER = "annotations_complete_eng"
# The files look like XML without being it: a bare & stands in some.
_FIELD = {
    name: re.compile(rf"<{name}>(.*?)</{name}>", re.DOTALL) for name in ("DESCRIPTION", "IMAGE")
}


def read(root: Path, *, source: str, skipped: Counter[str]) -> Iterator[Sample]:
    """One sample per picture with a description; its phrases stay parted by semicolons."""
    folder = found(root, _FOLDER)
    paths = sorted(folder.rglob("*.eng"))
    if not paths:
        raise LynxError(f"{folder}: has no .eng files; unpack iaprtc12.tgz in {root.parent}")
    entries = (_entry(root, path) for path in paths)
    yield from picture_samples(entries, source=source, skipped=skipped)


def _entry(root: Path, path: Path) -> Pictured:
    content = path.read_text(encoding="latin-1")
    image, text = _field("IMAGE", content), _field("DESCRIPTION", content)
    if not image:
        raise LynxError(f"{path}: has no <IMAGE>, which names its picture")
    return Pictured(image, root / image, caption_rounds([text.rstrip("; ")], "first"))


def _field(name: str, content: str) -> str:
    match = _FIELD[name].search(content)
    return html.unescape(match[1]).strip() if match else ""
