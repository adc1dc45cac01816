"""Answers what the schema says of a dotted key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from lynx.config.schema import Config


@cache
def field_type(key: str) -> Any | None:
    """The annotated type of `key`, or None when the schema has no such key.

    Under a mapping of named entries (benchmarks, generation rows) any name counts.
    """
    kind: Any = Config
    for part in key.split("."):
        if get_origin(kind) is dict:
            kind = get_args(kind)[1]
        elif is_dataclass(kind):
            kind = get_type_hints(kind).get(part)
        else:
            return None
    return kind


def is_group(key: str) -> bool:
    """Whether `key` holds further keys."""
    kind = field_type(key)
    return is_dataclass(kind) or get_origin(kind) is dict


def is_text(key: str) -> bool:
    """Whether `key` takes any string."""
    kind = field_type(key)
    return kind is str or (get_origin(kind) is Union and str in get_args(kind))


@cache
def entry_keys(key: str) -> tuple[str, ...]:
    """Keys of the further benchmark or generation row that `key` may have been meant for.

    A layer that may add entries is free in their names, not in what stands below a name.
    """
    name = key.split(".")[-2:][0]
    return tuple(
        f"{group}.{name}.{field.name}"
        for group, entry in _entry_groups(Config, "")
        for field in fields(entry)
    )


def _entry_groups(kind: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Each mapping of named entries: its key, and the dataclass of an entry."""
    for name, field_kind in get_type_hints(kind).items():
        if get_origin(field_kind) is dict:
            yield f"{prefix}{name}", get_args(field_kind)[1]
        elif is_dataclass(field_kind):
            yield from _entry_groups(field_kind, f"{prefix}{name}.")
