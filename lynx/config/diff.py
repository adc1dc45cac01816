"""Says what differs between two resolved configurations: the one-factor certificate."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from lynx.config.errors import LynxError
from lynx.config.files import flattened
from lynx.config.schema import Config

NAMES = ("experiment", "ablation")  # what a variant is called, not what it does
ABSENT = "(absent)"

Diff = dict[str, tuple[Any, Any]]


def comparable(config: Config) -> dict[str, Any]:
    """The configuration as nested plain values; tuples become lists, as YAML has them."""
    return {key: _plain(value) for key, value in dataclasses.asdict(config).items()}


def resolved_diff(base: Config, other: Config) -> Diff:
    """Dotted key -> (value in base, value in other), in the schema's order; equal values left out.

    Names of the variants don't count; a benchmark that only one side has is `ABSENT` on the other.
    """
    old, new = flattened(comparable(base)), flattened(comparable(other))
    return {
        key: (old.get(key, ABSENT), new.get(key, ABSENT))
        for key in old | new
        if key not in NAMES and old.get(key, ABSENT) != new.get(key, ABSENT)
    }


def diff_text(base: Config, other: Config) -> str:
    """One `key: old -> new` per line, valid YAML; a diff that changes nothing is a LynxError."""
    changes = resolved_diff(base, other)
    if not changes:
        raise LynxError(
            f"nothing differs between {_called(base)} and {_called(other)}; "
            "a comparison of them would only measure chance"
        )
    return "".join(f"{key}: {_change(*pair)}\n" for key, pair in changes.items())


def _called(config: Config) -> str:
    return f"{config.ablation or config.experiment} ({config.scale}, seed {config.seed})"


def _change(old: Any, new: Any) -> str:
    text = f"{_scalar(old)} -> {_scalar(new)}"
    # A leading quote or brace, a colon or a hash would mean something else to a YAML reader.
    return json.dumps(text) if text[0] in "\"'{[&*!|>%@`-?" or set(text) & set(":#") else text


def _scalar(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
