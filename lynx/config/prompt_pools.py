"""Reads the prompt pools (`data_recipes/prompts/`): the phrasings that ask for each task."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from lynx.config.errors import LynxError
from lynx.config.files import names_in, read_mapping, require_keys
from lynx.config.nearest import nearest_hint
from lynx.config.paths import repository_root

PROMPTS = "data_recipes/prompts"
Choice = Literal["diverse", "single"]
_KEYS = ("fields", "single", "diverse", "held_out")


@dataclass(frozen=True)
class PromptPool:
    """The phrasings of a task (paper 2.2); `fields` are their placeholders.

    single: the paper's example (Table 13), one of `diverse`; held_out: kept for evaluation.
    """

    name: str
    fields: tuple[str, ...]
    single: str
    diverse: tuple[str, ...]
    held_out: tuple[str, ...]

    def phrasings(self, choose: Choice) -> tuple[str, ...]:
        """The phrasings that training draws from."""
        return self.diverse if choose == "diverse" else (self.single,)


def load_pools() -> dict[str, PromptPool]:
    """All pools of `data_recipes/prompts/`, by name; LynxError where one is malformed."""
    pools: dict[str, PromptPool] = {}
    for file_name in names_in(PROMPTS):
        origin = f"{PROMPTS}/{file_name}.yaml"
        content = require_keys(read_mapping(repository_root() / origin), ("pools",), origin)
        if not isinstance(content["pools"], dict):
            raise LynxError(
                f"{origin}: `pools` must map names of pools to phrasings, not {content['pools']!r}"
            )
        for name, entry in content["pools"].items():
            place = f"{origin}: pools.{name}"
            if str(name) in pools:
                raise LynxError(f"{place}: another file has a pool of that name")
            pools[str(name)] = _pool(str(name), entry, place)
    return pools


def load_pool(name: str) -> PromptPool:
    """The pool of that name; an unknown name is a LynxError that says which is nearest."""
    pools = load_pools()
    if name not in pools:
        raise LynxError(f"no prompt pool `{name}` in {PROMPTS}/{nearest_hint(name, pools)}")
    return pools[name]


def _pool(name: str, entry: Any, place: str) -> PromptPool:
    content = require_keys(entry, _KEYS, place)
    pool = PromptPool(
        name=name,
        fields=_texts(content, "fields", place),
        single=_text(content["single"], f"{place}.single"),
        diverse=_texts(content, "diverse", place),
        held_out=_texts(content, "held_out", place),
    )
    if pool.single not in pool.diverse:
        raise LynxError(f"{place}.diverse: must contain the phrasing of `single`")
    for phrasing in (*pool.diverse, *pool.held_out):
        if sorted(re.findall(r"\{(\w*)\}", phrasing)) != sorted(pool.fields):
            raise LynxError(
                f"{place}: {phrasing!r} must have each of the placeholders {list(pool.fields)} once"
            )
    return pool


def _texts(content: Any, key: str, place: str) -> tuple[str, ...]:
    values = content[key]
    if not isinstance(values, list):
        raise LynxError(f"{place}.{key}: must be a list of texts, not {values!r}")
    return tuple(_text(value, f"{place}.{key}") for value in values)


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str):
        raise LynxError(f"{place}: {value!r} is no text; quote it")
    return value
