"""Answers what the schema says of a dotted key."""

from __future__ import annotations

from dataclasses import is_dataclass
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
