"""Reads the prompt pools: the phrasings with which each task is asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lynx.config.errors import LynxError
from lynx.config.files import names_in, read_mapping, shown
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
    for name in names_in(PROMPTS):
        path = repository_root() / PROMPTS / f"{name}.yaml"
        for pool, content in (read_mapping(path).get("pools") or {}).items():
            if pool in pools:
                raise LynxError(
                    f"{shown(path)}: pools.{pool}: another file has a pool of that name"
                )
            pools[pool] = _pool(pool, content, path)
    return pools


def load_pool(name: str) -> PromptPool:
    """The pool of that name; an unknown name is a LynxError that says which is nearest."""
    pools = load_pools()
    if name not in pools:
        raise LynxError(f"no prompt pool `{name}` in {PROMPTS}/{nearest_hint(name, pools)}")
    return pools[name]


def _pool(name: str, content: Mapping[str, Any], path: Path) -> PromptPool:
    place = f"{shown(path)}: pools.{name}"
    if not isinstance(content, Mapping) or set(content) != set(_KEYS):
        raise LynxError(f"{place}: must have exactly the keys {', '.join(_KEYS)}")
    pool = PromptPool(
        name=name,
        fields=tuple(content["fields"]),
        single=content["single"],
        diverse=tuple(content["diverse"]),
        held_out=tuple(content["held_out"]),
    )
    if pool.single not in pool.diverse:
        raise LynxError(f"{place}.diverse: must contain the phrasing of `single`")
    for phrasing in (*pool.diverse, *pool.held_out):
        if sorted(re.findall(r"\{(\w*)\}", phrasing)) != sorted(pool.fields):
            raise LynxError(
                f"{place}: {phrasing!r} must have each of the placeholders {list(pool.fields)} once"
            )
    return pool
