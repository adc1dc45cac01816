"""Writes what is known of every source as a table in Markdown, for data_recipes/README.md."""

from __future__ import annotations

from collections.abc import Iterable

from lynx.config.source_facts import SourceFacts, load_sources

_HEAD = ("source", "dataset", "task", "rows", "format", "disk, GB", "had from", "licence")


def source_table() -> str:
    """The table, and below it the notes on single sources."""
    facts = list(load_sources().values())
    rows = ["| " + " | ".join(_HEAD) + " |", "| " + " | ".join("---" for _ in _HEAD) + " |"]
    rows += ["| " + " | ".join(_cells(one)) + " |" for one in facts]
    return "\n".join([*rows, "", *_notes(facts)])


def _cells(one: SourceFacts) -> tuple[str, ...]:
    cells = (
        f"`{one.name}`",
        one.title,
        one.task,
        "?" if one.rows is None else f"{one.rows:,}",
        "none" if one.format is None else f"`{one.format}`",
        "?" if one.disk_gb is None else f"{one.disk_gb:g}",
        _link(one.origin),
        one.licence,
    )
    return tuple(cell.replace("|", "\\|") for cell in cells)


def _link(origin: str) -> str:
    """Addresses become links; everything else stays text."""
    words = (f"<{word}>" if word.startswith("http") else word for word in origin.split())
    return " ".join(words) or "?"


def _notes(facts: Iterable[SourceFacts]) -> list[str]:
    return [f"- `{one.name}`: {one.note}" for one in facts if one.note]
