"""Reads recipes (what a stage mixes) and catalogs (where the shards of each source are)."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lynx.config.errors import LynxError
from lynx.config.files import named_file, names_in, read_mapping, require_keys, shown
from lynx.config.nearest import nearest_hint
from lynx.config.paths import from_root
from lynx.config.prompt_pools import PROMPTS, load_pools

RECIPES = "data_recipes"
CATALOGS = "data_recipes/catalogs"
WORLD = "world"  # the catalog that is built on first use and has every source
_KEYS = ("description", "paper", "sources")


@dataclass(frozen=True)
class RecipeSource:
    """One dataset's part in a recipe."""

    weight: float  # above 0; relative to the other sources'
    prompts: str  # name of its prompt pool


@dataclass(frozen=True)
class Recipe:
    """A weighted mix of sources: a column of Table 12, or our reading where it has none."""

    name: str
    description: str
    paper: Mapping[str, Any]  # where the paper has it
    sources: dict[str, RecipeSource]  # in the file's order

    @property
    def weights(self) -> dict[str, float]:
        """Weight of each source, in the recipe's order."""
        return {name: source.weight for name, source in self.sources.items()}


def load_recipe(name: str) -> Recipe:
    """The recipe in `data_recipes/<name>.yaml`.

    LynxError with file and key: no such recipe or prompt pool (says which is nearest), a key that
    is missing or unknown, a weight that is not above 0. All wrong sources are told at once.
    """
    path = named_file(RECIPES, name, kind="recipe")
    origin = shown(path)
    content = require_keys(read_mapping(path), _KEYS, origin)
    if not isinstance(content["description"], str):
        raise LynxError(f"{origin}: `description` must be a text; quote it")
    paper = content["paper"] or {}
    if not isinstance(paper, dict):
        raise LynxError(f"{origin}: `paper` must be a mapping, not {paper!r}; {{}} for none")
    return Recipe(name, content["description"], paper, _sources(content["sources"], origin))


def read_catalog(catalog: str) -> Mapping[str, Any]:
    """The catalog's content, its `sources` checked, with `${...}` as it stands there."""
    path = catalog_path(catalog)
    content = read_mapping(path)
    sources = content.get("sources")
    if not isinstance(sources, dict):
        raise LynxError(f"{shown(path)}: `sources` must map source names to folders of shards")
    for source, folder in sources.items():
        if not isinstance(folder, str):
            raise LynxError(f"{shown(path)}: sources.{source}: {folder!r} is no folder's path")
    return content


def catalog_path(catalog: str) -> Path:
    """The file of `data.catalog`: a name in `data_recipes/catalogs/`, or the path of a YAML file.

    Not for `world`, which has no file.
    """
    is_path = catalog.endswith(".yaml")
    path = from_root(catalog if is_path else f"{CATALOGS}/{catalog}.yaml")
    if not path.is_file():
        hint = "" if is_path else nearest_hint(catalog, [WORLD, *names_in(CATALOGS)])
        raise LynxError(f"data.catalog: no catalog `{catalog}`: there is no {shown(path)}{hint}")
    return path


def _sources(entries: Any, origin: str) -> dict[str, RecipeSource]:
    if not isinstance(entries, dict) or not entries:
        raise LynxError(f"{origin}: `sources` must map source names to weight and prompts")
    pools = load_pools()
    sources: dict[str, RecipeSource] = {}
    problems = []
    for name, entry in entries.items():
        try:
            sources[str(name)] = _source(entry, pools, f"{origin}: sources.{name}")
        except LynxError as error:
            problems.append(str(error))
    if problems:
        raise LynxError("\n  ".join(problems))
    return sources


def _source(entry: Any, pools: Collection[str], place: str) -> RecipeSource:
    content = require_keys(entry, ("weight", "prompts"), place)
    weight, pool = content["weight"], content["prompts"]
    if not _is_number(weight) or not 0 < weight < math.inf:
        raise LynxError(f"{place}.weight: {weight!r} is not a number above 0")
    if not isinstance(pool, str):
        raise LynxError(f"{place}.prompts: {pool!r} is no pool's name; if it is one, quote it")
    if pool not in pools:
        hint = nearest_hint(pool, pools)
        raise LynxError(f"{place}.prompts: no prompt pool `{pool}` in {PROMPTS}/{hint}")
    return RecipeSource(float(weight), pool)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
