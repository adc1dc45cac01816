"""Lays out what only some benchmarks' scores have, and how long answers are, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lynx.reporting.html.scores import BenchmarkFigures
from lynx.reporting.html.variants import Variant

_MOST_ROWS = 60  # of a list, which predictions.jsonl has in full


@dataclass(frozen=True)
class DetailTable:
    """Rows of (name, cells)."""

    title: str
    columns: list[str]
    rows: list[tuple[str, list[str]]]


@dataclass(frozen=True)
class LengthLine:
    """Mean lengths of one run's answers to a benchmark, each with its interval."""

    place: int
    label: str
    seed: int
    benchmark: str
    n: int
    empty: int
    words: str
    characters: str
    tokens: str


def detail_tables(
    variants: Sequence[Variant], figures: BenchmarkFigures
) -> list[tuple[Variant, int, list[DetailTable]]]:
    """Tables of `details` in scores.json (MME's official scores), by variant and seed."""
    return [
        (variant, seed, _tables(figures.name, details))
        for variant in variants
        for seed, content in figures.contents.get(variant.place, {}).items()
        if (details := content["details"])
    ]


def length_lines(
    variants: Sequence[Variant], benchmarks: Sequence[BenchmarkFigures]
) -> list[LengthLine]:
    """A line per benchmark and run."""
    return [
        LengthLine(
            place=variant.place, label=variant.label, seed=seed, benchmark=figures.name,
            n=lengths["n"], empty=lengths["empty"], words=_length(lengths["words"]),
            characters=_length(lengths["characters"]), tokens=_length(lengths["tokens"]),
        )
        for figures in benchmarks
        for variant in variants
        for seed, content in figures.contents.get(variant.place, {}).items()
        if (lengths := content["lengths"])
    ]  # fmt: skip


def _tables(title: str, details: Mapping[str, Any]) -> list[DetailTable]:
    """Figures that stand alone in one table, and a table for each group of like mappings."""
    single: list[tuple[str, list[str]]] = []
    tables: list[DetailTable] = []
    for name, value in details.items():
        rows = list(value.values()) if isinstance(value, Mapping) else []
        if rows and all(isinstance(row, Mapping) for row in rows):
            columns = list(dict.fromkeys(column for row in rows for column in row))
            cells = [(k, [_text(row.get(c)) for c in columns]) for k, row in value.items()]
            tables.append(DetailTable(_words(name), [_words(c) for c in columns], cells))
        elif isinstance(value, Mapping):
            single += [(f"{_words(name)}, {_words(key)}", [_text(v)]) for key, v in value.items()]
        else:
            single.append((_words(name), [_text(value)]))
    return ([DetailTable(title, ["value"], single)] if single else []) + tables


def _text(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "-"}[value]
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 100 else f"{value:.2f}"
    if isinstance(value, Mapping):
        return ", ".join(f"{_words(key)} {_text(one)}" for key, one in value.items())
    if isinstance(value, (list, tuple)):
        more = f", and {len(value) - _MOST_ROWS} more" if len(value) > _MOST_ROWS else ""
        return ", ".join(_text(one) for one in value[:_MOST_ROWS]) + more
    return str(value)


def _words(name: str) -> str:
    return str(name).replace("_", " ")


def _length(length: Mapping[str, float] | None) -> str:
    if length is None:
        return "-"
    return f"{length['mean']:.2f} [{length['low']:.2f}, {length['high']:.2f}]"
