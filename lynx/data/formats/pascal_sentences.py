"""Reads Pascal Sentences: a web page with a table of pictures and their five sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from lynx.config.errors import LynxError
from lynx.data.formats.files import found, read_lines
from lynx.data.formats.pictured_texts import Pictured, caption_rounds, picture_samples
from lynx.data.sample import Sample


def read(
    root: Path,
    *,
    source: str,
    skipped: Counter[str],
    page: str = "index.html",
    captions: str = "first",
) -> Iterator[Sample]:
    """One sample per picture of the page.

    page: file below `root`, which pictures are named from, as `wget --mirror` leaves it. captions:
    `all` makes a row of each sentence.
    """
    path = found(root, page)
    parser = _Table()
    parser.feed("\n".join(read_lines(path)))
    parser.close()
    if not parser.sentences:
        raise LynxError(f"{path}: has no pictures; it must be the page of all sentences")
    entries = (
        Pictured(name, root / name, caption_rounds(texts, captions))
        for name, texts in parser.sentences.items()
    )
    yield from picture_samples(entries, source=source, skipped=skipped)


class _Table(HTMLParser):
    """`sentences`: those of each picture. A sentence is a cell after the picture's."""

    def __init__(self) -> None:
        super().__init__()
        self.sentences: dict[str, list[str]] = {}
        self._texts: list[str] | None = None
        self._cell: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self._texts = self.sentences.setdefault(dict(attrs).get("src") or "", [])
        if tag in ("td", "img"):
            self._cell = []

    def handle_data(self, data: str) -> None:
        self._cell.append(data)

    def handle_endtag(self, tag: str) -> None:
        text = " ".join("".join(self._cell).split())
        if tag == "td" and text and self._texts is not None:
            self._texts.append(text)
        if tag == "td":
            self._cell = []
