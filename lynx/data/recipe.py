"""Prints a recipe: the share of each source, its samples and passes in a stage."""

from __future__ import annotations

from collections.abc import Mapping

from lynx.config.errors import LynxError
from lynx.config.recipe_files import Recipe, RecipeSource, load_recipe
from lynx.config.source_facts import SOURCES, SourceFacts
from lynx.data.prompts import load_pools
from lynx.data.stream import cycle_counts
from lynx.data.weights import sample_weights

__all__ = ["Recipe", "RecipeSource", "describe_recipe", "load_recipe"]

_ROUNDING_OF_FLOATS = 1e-12
_HEAD = ("source", "weight", "share", "in a cycle", "samples", "size", "epochs", "task", "prompts")


def describe_recipe(
    recipe: Recipe, *, num_samples: int, sizes: Mapping[str, int], facts: Mapping[str, SourceFacts]
) -> str:
    """A table of the recipe for a stage of `num_samples`.

    sizes: rows of the sources, as far as they are known; facts: of all sources. Weights per token
    can't be turned into samples without the shards: shares are of tokens then, and samples and
    passes are left open.
    """
    _check_sizes(recipe, sizes)
    weights = sample_weights(
        recipe, sizes=sizes, num_samples=num_samples, mean_tokens=lambda _: 1.0
    )
    counts = dict(zip(weights, cycle_counts(weights), strict=True))
    cycle, total, pools = sum(counts.values()), sum(weights.values()), load_pools()
    rows: list[tuple[str, ...]] = [_HEAD]
    for name, source in recipe.sources.items():
        samples = None if recipe.unit == "tokens" else num_samples * counts[name] / cycle
        size, pool = sizes.get(name), pools[source.prompts]
        epochs = samples / size if samples is not None and size else None
        rows.append(
            (
                name,
                f"{float(source.weight):g}"
                if source.weight
                else f"x {float(source.repeat or 0):g}",
                f"{float(100 * weights[name] / total):.3f} %",
                str(counts[name]),
                "?" if samples is None else f"{samples:.0f}",
                "?" if size is None else str(size),
                "?" if epochs is None else f"{epochs:.2f}",
                facts[name].task,
                f"{pool.name} ({len(pool.diverse)})",
            )
        )
    shares = sum(float(100 * weight / total) for weight in weights.values())
    rows.append(
        ("sum", _sum_text(recipe), f"{shares:.3f} %", str(cycle), str(num_samples), *[""] * 4)
    )
    return "\n".join(
        [*_introduction(recipe), "", *_aligned(rows), "", *_explanation(recipe, counts)]
    )


def _check_sizes(recipe: Recipe, sizes: Mapping[str, int]) -> None:
    for name, source in recipe.sources.items():
        if source.repeat is not None and name not in sizes:
            raise LynxError(
                f"recipe `{recipe.name}`: sources.{name}.repeat: the source's size isn't known; "
                f"give its `rows` in {SOURCES}/, or show the recipe at a scale that has its shards"
            )


def _sum_text(recipe: Recipe) -> str:
    return f"{sum(recipe.weights.values()):g}"


def _introduction(recipe: Recipe) -> list[str]:
    where = ", ".join(f"{key} {value}" for key, value in recipe.paper.items())
    lines = [f"{recipe.name}: {recipe.description}" + (f" (paper: {where})" if where else "")]
    if recipe.parameters:
        given = ", ".join(f"{name} = {float(v):g}" for name, v in recipe.parameters.items())
        lines.append(f"parameters: {given}")
    return lines


def _explanation(recipe: Recipe, counts: Mapping[str, int]) -> list[str]:
    total = sum(counts.values())
    weights = recipe.weights
    if len(weights) == len(counts) and recipe.unit == "samples":
        shares = {name: weight / sum(weights.values()) for name, weight in weights.items()}
        worst = max(abs(counts[name] / total - share) for name, share in shares.items())
        exact = worst < _ROUNDING_OF_FLOATS
        off = "exactly" if exact else f"up to {100 * worst:.2g} percentage points"
        rounding = f"the whole numbers have the weights' ratios {off}"
    else:
        rounding = "weights beside `repeat`, or of tokens, are rounded to whole numbers"
    return [
        f"{len(counts)} sources; weights are shares of {recipe.unit}. Every {total} samples in a "
        f"row have each source as often as `in a cycle` says; {rounding}.",
        "(n): phrasings in the pool; size: rows of the source, ? where unknown.",
    ]


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    """Text columns to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    left = {_HEAD.index(name) for name in ("source", "task", "prompts")}
    lines = []
    for row in rows:
        cells = [
            f"{cell:<{width}}" if column in left else f"{cell:>{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines
