"""Checks the options of a source against the parameters of its format's `read`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from lynx.config.errors import LynxError
from lynx.config.nearest import nearest_hint
from lynx.data.sample import Sample

_GIVEN = ("root", "source", "skipped")  # parameters of every `read`
_WORDS = {str: "a text", int: "a whole number", bool: "true or false", NoneType: "null"}

Reader = Callable[..., Iterator[Sample]]


def format_options(read: Reader) -> dict[str, inspect.Parameter]:
    """The options of a format, by name."""
    parameters = inspect.signature(read).parameters
    return {name: one for name, one in parameters.items() if name not in _GIVEN}


def check_options(read: Reader, options: Mapping[str, Any], place: str) -> None:
    """LynxError, that begins with `place`, where an option is unknown, of a wrong type or missing.

    The types are those that `read` is annotated with: str, int, bool, None, Literal, and unions,
    lists and mappings of them.
    """
    known, hints = format_options(read), get_type_hints(read)
    for option, value in options.items():
        if option not in known:
            raise LynxError(f"{place} has no option `{option}`{nearest_hint(option, known)}")
        if not _fits(value, hints[option]):
            right = _described(hints[option])
            raise LynxError(f"{place}: the option `{option}` is {value!r}; it must be {right}")
    for option, one in known.items():
        if one.default is one.empty and option not in options:
            raise LynxError(f"{place} needs the option `{option}`, {_described(hints[option])}")


def _fits(value: Any, hint: Any) -> bool:
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(_fits(value, part) for part in parts)
    if origin is Literal:
        return value in parts
    if origin is None:
        return type(value) is hint  # True is an int to isinstance
    if issubclass(origin, Mapping):
        return isinstance(value, Mapping) and all(
            _fits(key, parts[0]) and _fits(one, parts[1]) for key, one in value.items()
        )
    return isinstance(value, (list, tuple)) and all(_fits(one, parts[0]) for one in value)


def _described(hint: Any) -> str:
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(_described(part) for part in parts)
    if origin is Literal:
        return " or ".join(map(str, parts))
    if origin is None:
        return _WORDS[NoneType if hint is None else hint]
    if issubclass(origin, Mapping):
        return f"a mapping ({_described(parts[0])}: {_described(parts[1])})"
    return f"a list ({_described(parts[0])} each)"
