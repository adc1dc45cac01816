"""Recipes, for the code that mixes and prints them; `lynx.config.recipe_files` reads them."""

from __future__ import annotations

from lynx.config.recipe_files import Recipe, RecipeSource, load_recipe
from lynx.data.prompts import load_pools

__all__ = ["Recipe", "RecipeSource", "describe_recipe", "load_recipe"]


def describe_recipe(recipe: Recipe) -> str:
    """A table of the recipe: source, weight, share of the samples, prompt pool and its example."""
    total = sum(recipe.weights.values())
    rows = [("source", "weight", "share", "prompts", "for example")]
    pools = load_pools()
    for name, source in recipe.sources.items():
        pool = pools[source.prompts]
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
