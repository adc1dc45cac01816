"""Reads what is known of each dataset (`data_recipes/sources/`): task, prompts, origin, licence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lynx.config.errors import LynxError
from lynx.config.files import names_in, read_mapping, require_keys
from lynx.config.nearest import nearest_hint
from lynx.config.paths import repository_root

SOURCES = "data_recipes/sources"


@dataclass(frozen=True)
class SourceFacts:
    """A dataset; `rows`, `title` and `task` are Table 12's where it has them.

    rows: samples; None where unknown. prompts: its prompt pool. format: module of
    `lynx.data.formats` that reads a downloaded copy, with `options`; None where no copy is read.
    origin: where it is had. disk_gb: of a downloaded copy with its pictures, in 10^9 bytes.
    """

    name: str
    title: str
    task: str
    prompts: str
    licence: str
    rows: int | None = None
    format: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    origin: str = ""
    disk_gb: float | None = None
    note: str = ""


_TEXTS = ("title", "task", "prompts", "origin", "licence", "note")
_REQUIRED = ("title", "task", "prompts", "licence")
_OPTIONAL = ("rows", "format", "options", "origin", "disk_gb", "note")


def load_sources() -> dict[str, SourceFacts]:
    """All sources of `data_recipes/sources/`, by name; LynxError where one is malformed."""
    known: dict[str, SourceFacts] = {}
    for file_name in names_in(SOURCES):
        origin = f"{SOURCES}/{file_name}.yaml"
        content = require_keys(read_mapping(repository_root() / origin), ("sources",), origin)
        if not isinstance(content["sources"], dict):
            raise LynxError(f"{origin}: `sources` must map names of sources to what they are")
        for name, entry in content["sources"].items():
            place = f"{origin}: sources.{name}"
            if not isinstance(name, str):
                raise LynxError(f"{place}: {name!r} is no text; quote it to name a source so")
            if name in known:
                raise LynxError(f"{place}: another file has a source of that name")
            known[name] = _facts(name, entry, place)
    return known


def load_source(name: str) -> SourceFacts:
    """The source of that name; an unknown name is a LynxError that says which is nearest."""
    known = load_sources()
    if name not in known:
        raise LynxError(f"no source `{name}` in {SOURCES}/{nearest_hint(name, known)}")
    return known[name]


def _facts(name: str, entry: Any, place: str) -> SourceFacts:
    optional: tuple[str, ...] = _OPTIONAL
    if isinstance(entry, Mapping) and not set(entry) - {*_REQUIRED, *_OPTIONAL}:
        optional = tuple(key for key in _OPTIONAL if key in entry)
    content = dict.fromkeys(_TEXTS, "") | dict(require_keys(entry, (*_REQUIRED, *optional), place))
    for key in _TEXTS:
        if not isinstance(content[key], str):
            raise LynxError(f"{place}.{key}: {content[key]!r} is no text; quote it")
    rows, disk, form = (content.get(key) for key in ("rows", "disk_gb", "format"))
    if rows is not None and (not isinstance(rows, int) or isinstance(rows, bool) or rows < 1):
        raise LynxError(f"{place}.rows: {rows!r} is no number of samples; null where unknown")
    if disk is not None and (not isinstance(disk, (int, float)) or disk <= 0):
        raise LynxError(f"{place}.disk_gb: {disk!r} is no size in GB; null where unknown")
    if form is not None and not isinstance(form, str):
        raise LynxError(f"{place}.format: {form!r} is no name of a format; null for none")
    if not isinstance(content.get("options", {}), dict):
        raise LynxError(f"{place}.options: must be a mapping, {{}} for none")
    return SourceFacts(name=name, **content)
