"""Reads the prompt pools (`data_recipes/prompts/`): the phrasings of each task and their origin."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from lynx.config.errors import LynxError
from lynx.config.files import names_in, read_mapping, require_keys
from lynx.config.nearest import nearest_hint
from lynx.config.paths import repository_root

PROMPTS = "data_recipes/prompts"
Choice = Literal["diverse", "single"]
Words = Literal["plain", "all"]
Origin = Literal["paper", "plain", "rich", "generated", "held_out"]
_GENERATED_KEYS = ("text", "model", "date", "run")
_KEYS = ("fields", "answers", "single", "plain", "rich", "generated", "held_out")
_WHERE_LEFT_OUT: Mapping[str, Any] = {"answers": [], "rich": [], "generated": []}
_TOKEN = re.compile(r"\{\w*\}|[^\W_]+(?:'[^\W_]+)*")


@dataclass(frozen=True)
class Generated:
    """A phrasing that a language model wrote.

    model: the one that answered; date: of the call (YYYY-MM-DD); run: of `lynx prompts generate`.
    """

    text: str
    model: str
    date: str
    run: str


@dataclass(frozen=True)
class PromptPool:
    """The phrasings of a task (paper 2.2); `fields` are their placeholders.

    single: the paper's example (Table 13), one of `plain`; plain: hand-written in the few words
    that the desk's tokenizer knows; rich: hand-written in any words; generated: through the paper's
    meta prompt; held_out: kept for evaluation. answers: of a task with a fixed set of answers that
    the phrasings name, else ().
    """

    name: str
    fields: tuple[str, ...]
    single: str
    plain: tuple[str, ...]
    held_out: tuple[str, ...]
    answers: tuple[str, ...] = ()
    rich: tuple[str, ...] = ()
    generated: tuple[Generated, ...] = ()

    @property
    def hand_written(self) -> tuple[str, ...]:
        """The training phrasings of people, the paper's among them."""
        return self.plain + self.rich

    @property
    def diverse(self) -> tuple[str, ...]:
        """All training phrasings: plain, rich, generated."""
        return self.hand_written + tuple(one.text for one in self.generated)

    def phrasings(self, choose: Choice, words: Words = "all") -> tuple[str, ...]:
        """The phrasings that training draws from."""
        return (self.single,) if choose == "single" else self.restricted(words).diverse

    def restricted(self, words: Words) -> PromptPool:
        """The pool with the training phrasings in those words alone (`data.phrasings`)."""
        return self if words == "all" else replace(self, rich=(), generated=())

    def origin_of(self, text: str) -> Origin:
        """How the phrasing came about; a text that is none of the pool's is a LynxError."""
        if text == self.single:
            return "paper"
        if text in self.plain:
            return "plain"
        if text in self.rich:
            return "rich"
        if text in self.diverse:
            return "generated"
        if text in self.held_out:
            return "held_out"
        raise LynxError(f"{text!r} is no phrasing of the prompt pool `{self.name}`")


def load_pools(words: Words = "all") -> dict[str, PromptPool]:
    """All pools of `data_recipes/prompts/`, by name, with the phrasings in those words.

    LynxError where one is malformed.
    """
    pools: dict[str, PromptPool] = {}
    for file_name in names_in(PROMPTS):
        origin = f"{PROMPTS}/{file_name}.yaml"
        for name, pool in pools_of(repository_root() / origin, origin).items():
            if name in pools:
                raise LynxError(f"{origin}: pools.{name}: another file has a pool of that name")
            pools[name] = pool.restricted(words)
    return pools


def load_pool(name: str) -> PromptPool:
    """The pool of that name; an unknown name is a LynxError that says which is nearest."""
    pools = load_pools()
    if name not in pools:
        raise LynxError(f"no prompt pool `{name}` in {PROMPTS}/{nearest_hint(name, pools)}")
    return pools[name]


def pool_path(name: str) -> Path:
    """The file that has the pool; errors are those of `load_pool`."""
    load_pool(name)
    paths = [repository_root() / PROMPTS / f"{file_name}.yaml" for file_name in names_in(PROMPTS)]
    return next(path for path in paths if name in read_mapping(path)["pools"])


def pools_of(path: Path, origin: str) -> dict[str, PromptPool]:
    """The pools in one file, which messages call `origin`."""
    content = require_keys(read_mapping(path), ("pools",), origin)
    if not isinstance(content["pools"], dict):
        raise LynxError(
            f"{origin}: `pools` must map names of pools to phrasings, not {content['pools']!r}"
        )
    return {
        str(name): _pool(str(name), entry, f"{origin}: pools.{name}")
        for name, entry in content["pools"].items()
    }


def normalised(text: str) -> tuple[str, ...]:
    """The words and placeholders of a phrasing, without case, punctuation and white space."""
    return tuple(_TOKEN.findall(text.casefold()))


def _pool(name: str, entry: Any, place: str) -> PromptPool:
    given = {**_WHERE_LEFT_OUT, **entry} if isinstance(entry, Mapping) else entry
    content = require_keys(given, _KEYS, place)
    pool = PromptPool(
        name=name,
        fields=_texts(content, "fields", place),
        answers=_texts(content, "answers", place),
        single=_text(content["single"], f"{place}.single"),
        plain=_texts(content, "plain", place),
        rich=_texts(content, "rich", place),
        generated=_generated(content["generated"], f"{place}.generated"),
        held_out=_texts(content, "held_out", place),
    )
    if pool.single not in pool.plain:
        raise LynxError(f"{place}.plain: must contain the phrasing of `single`")
    _check_placeholders(pool, place)
    _check_distinct(pool, place)
    return pool


def _check_placeholders(pool: PromptPool, place: str) -> None:
    for phrasing in (*pool.diverse, *pool.held_out):
        if sorted(re.findall(r"\{(\w*)\}", phrasing)) != sorted(pool.fields):
            raise LynxError(
                f"{place}: {phrasing!r} must have each of the placeholders {list(pool.fields)} once"
            )


def _check_distinct(pool: PromptPool, place: str) -> None:
    """Two alike would be drawn twice as often, and one that is held out must not be trained on."""
    seen = {normalised(text): text for text in (*pool.plain, *pool.held_out)}
    for text in pool.diverse[len(pool.plain) :]:
        words = normalised(text)
        if words in seen:
            raise LynxError(f"{place}: {text!r} is the same as {seen[words]!r}; take one out")
        seen[words] = text


def _generated(entries: Any, place: str) -> tuple[Generated, ...]:
    if not isinstance(entries, list):
        raise LynxError(
            f"{place}: must be a list of mappings of {', '.join(_GENERATED_KEYS)}, not {entries!r}"
        )
    found = []
    for number, entry in enumerate(entries):
        content = require_keys(entry, _GENERATED_KEYS, f"{place}[{number}]")
        texts = {key: _text(content[key], f"{place}[{number}].{key}") for key in _GENERATED_KEYS}
        found.append(Generated(**texts))
    return tuple(found)


def _texts(content: Any, key: str, place: str) -> tuple[str, ...]:
    values = content[key]
    if not isinstance(values, list):
        raise LynxError(f"{place}.{key}: must be a list of texts, not {values!r}")
    return tuple(_text(value, f"{place}.{key}") for value in values)


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str):
        raise LynxError(f"{place}: {value!r} is no text; quote it")
    return value
