"""Reads recipes: which sources a stage mixes, in which ratios, asked for with which prompts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lynx.config.errors import LynxError
from lynx.config.files import named_file, read_mapping, shown
from lynx.data.prompts import load_pool

RECIPES = "data_recipes"
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
    is missing or unknown, a weight that is not above 0.
    """
    path = named_file(RECIPES, name, kind="recipe")
    content = read_mapping(path)
    if set(content) != set(_KEYS):
        raise LynxError(f"{shown(path)}: must have exactly the keys {', '.join(_KEYS)}")
    entries = content["sources"]
    if not isinstance(entries, dict) or not entries:
        raise LynxError(f"{shown(path)}: `sources` must map source names to weight and prompts")
    return Recipe(
        name=name,
        description=str(content["description"]),
        paper=content["paper"] or {},
        sources={str(source): _source(path, source, entry) for source, entry in entries.items()},
    )


def _source(path: Path, name: str, entry: Any) -> RecipeSource:
    place = f"{shown(path)}: sources.{name}"
    if not isinstance(entry, dict) or set(entry) != {"weight", "prompts"}:
        raise LynxError(f"{place}: must have exactly the keys weight, prompts")
    weight = entry["weight"]
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not weight > 0:
        raise LynxError(f"{place}.weight: {weight!r} is not a number above 0")
    try:
        load_pool(entry["prompts"])
    except LynxError as error:
        raise LynxError(f"{place}.prompts: {error}") from error
    return RecipeSource(float(weight), entry["prompts"])


def describe_recipe(recipe: Recipe) -> str:
    """A table of the recipe: source, weight, share of the samples, prompt pool and its example."""
    total = sum(recipe.weights.values())
    rows = [("source", "weight", "share", "prompts", "for example")]
    for name, source in recipe.sources.items():
        pool = load_pool(source.prompts)
        count = f"{pool.name} ({len(pool.diverse)})"
        share = f"{100 * source.weight / total:.3f} %"
        rows.append((name, f"{source.weight:g}", share, count, pool.single))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}  {d:<{widths[3]}}  {e}".rstrip()
        for a, b, c, d, e in rows
    ]
    where = ", ".join(f"{key} {value}" for key, value in recipe.paper.items())
    head = f"{recipe.name}: {recipe.description}" + (f" (paper: {where})" if where else "")
    foot = f"{len(recipe.sources)} sources, weights sum to {total:g}; (n): phrasings in the pool"
    return "\n".join([head, "", *lines, "", foot])
