"""Reads recipes: which sources a stage mixes, in which ratios, asked for with which prompts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lynx.config.errors import LynxError
from lynx.config.files import named_file, read_mapping, shown
from lynx.data.prompts import load_pool

RECIPES = "data_recipes"


@dataclass(frozen=True)
class RecipeSource:
    """One dataset of a recipe; weights are relative to the others'."""

    name: str
    weight: float
    prompts: str  # name of its prompt pool


@dataclass(frozen=True)
class Recipe:
    """A weighted mix of sources: a column of Table 12, or our reading where it has none."""

    name: str
    description: str
    paper: Mapping[str, Any]
    sources: tuple[RecipeSource, ...]

    @property
    def weights(self) -> dict[str, float]:
        """Weight of each source, in the recipe's order."""
        return {source.name: source.weight for source in self.sources}


def load_recipe(name: str) -> Recipe:
    """The recipe in `data_recipes/<name>.yaml`.

    An unknown recipe or prompt pool is a LynxError that says which is nearest.
    """
    path = named_file(RECIPES, name, kind="recipe")
    content = read_mapping(path)
    entries = content.get("sources")
    if not isinstance(entries, dict) or not entries:
        raise LynxError(f"{shown(path)}: `sources` must map source names to weight and prompts")
    sources = []
    for source, entry in entries.items():
        place = f"{shown(path)}: sources.{source}"
        if not isinstance(entry, dict) or set(entry) != {"weight", "prompts"}:
            raise LynxError(f"{place}: must have exactly the keys weight, prompts")
        weight = entry["weight"]
        if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not weight > 0:
            raise LynxError(f"{place}.weight: {weight!r} is not a number above 0")
        try:
            load_pool(entry["prompts"])
        except LynxError as error:
            raise LynxError(f"{place}.prompts: {error}") from error
        sources.append(RecipeSource(str(source), float(weight), entry["prompts"]))
    return Recipe(
        name=name,
        description=str(content.get("description", "")),
        paper=content.get("paper") or {},
        sources=tuple(sources),
    )


def describe_recipe(name: str) -> str:
    """A table of the recipe: source, weight, share of the samples, prompt pool and its example."""
    recipe = load_recipe(name)
    total = sum(recipe.weights.values())
    rows = [("source", "weight", "share", "prompts", "for example")]
    for source in recipe.sources:
        pool = load_pool(source.prompts)
        count = f"{pool.name} ({len(pool.diverse)})"
        share = f"{100 * source.weight / total:.3f} %"
        rows.append((source.name, f"{source.weight:g}", share, count, pool.single))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}  {d:<{widths[3]}}  {e}".rstrip()
        for a, b, c, d, e in rows
    ]
    where = ", ".join(f"{key} {value}" for key, value in recipe.paper.items())
    head = f"{recipe.name}: {recipe.description}" + (f" (paper: {where})" if where else "")
    foot = f"{len(recipe.sources)} sources, weights sum to {total:g}; (n): phrasings in the pool"
    return "\n".join([head, "", *lines, "", foot])
