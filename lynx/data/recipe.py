"""Prints a recipe: the share of each source, its samples and passes in a stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from lynx.config.prompt_pools import load_pools
from lynx.config.recipe_files import Recipe
from lynx.config.source_facts import SOURCES, SourceFacts
from lynx.data.stream import cycle_counts
from lynx.data.weights import sample_weights

_ROUNDING_OF_FLOATS = 1e-12
_LEGEND = "(n): phrasings in the pool; size: rows of the source, ? where unknown."
_HEAD = ("source", "weight", "share", "in a cycle", "samples", "size", "epochs", "task", "prompts")


def describe_recipe(
    recipe: Recipe, *, num_samples: int, sizes: Mapping[str, int], facts: Mapping[str, SourceFacts]
) -> str:
    """A table of the recipe for a stage of `num_samples`.

    sizes: rows of the sources, as far as they are known; facts: of all sources. Weights per token
    can't be turned into samples without the shards: shares are of tokens then, and samples and
    passes are left open. Where a source with `repeat` is of unknown size, all shares are unknown.
    """
    unsized = [n for n, one in recipe.sources.items() if one.repeat is not None and n not in sizes]
    weights: dict[str, Fraction] = {}
    if not unsized:
        weights = sample_weights(
            recipe, sizes=sizes, num_samples=num_samples, mean_tokens=lambda _: 1.0
        )
    counts = dict(zip(weights, cycle_counts(weights), strict=True)) if weights else {}
    cycle, total, pools = sum(counts.values()), sum(weights.values()), load_pools()
    is_open = recipe.unit == "tokens" or bool(unsized)
    rows: list[tuple[str, ...]] = [_HEAD]
    for name, source in recipe.sources.items():
        samples = None if is_open else num_samples * counts[name] / cycle
        size, pool = sizes.get(name), pools[source.prompts]
        epochs = samples / size if samples is not None and size else None
        rows.append(
            (
                name,
                f"{float(source.weight):g}"
                if source.weight
                else f"x {float(source.repeat or 0):g}",
                f"{float(100 * weights[name] / total):.3f} %" if weights else "?",
                "?" if samples is None else str(counts[name]),
                "?" if samples is None else f"{samples:.0f}",
                "?" if size is None else str(size),
                "?" if epochs is None else f"{epochs:.2f}",
                facts[name].task,
                f"{pool.name} ({len(pool.diverse)})",
            )
        )
    shares = sum(float(100 * weight / total) for weight in weights.values())
    whole = "" if is_open else str(cycle)
    share = f"{shares:.3f} %" if weights else "?"
    rows.append(("sum", _sum_text(recipe), share, whole, str(num_samples), *[""] * 4))
    explanation = _unknown(recipe, unsized) if unsized else _explanation(recipe, counts)
    return "\n".join([*_introduction(recipe), "", *_aligned(rows), "", *explanation, _LEGEND])


def _unknown(recipe: Recipe, unsized: Sequence[str]) -> list[str]:
    return [
        f"{len(recipe.sources)} sources; how much each gives depends on the rows of "
        f"{', '.join(unsized)}, which aren't known: give a catalog that has the shards, or `rows` "
        f"in {SOURCES}/."
    ]


def _sum_text(recipe: Recipe) -> str:
    return f"{sum(recipe.weights.values()):g}"


def _introduction(recipe: Recipe) -> list[str]:
    where = ", ".join(f"{key} {value}" for key, value in recipe.paper.items())
    name = recipe.name.removesuffix(":")  # of `name:` without parameters
    lines = [f"{name}: {recipe.description}" + (f" (paper: {where})" if where else "")]
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
        rounding = "the whole numbers have the weights' ratios exactly"
        if not exact:
            off = f"up to {100 * worst:.2g} percentage points"
            rounding = f"what is rounded ({off}) is made up for in the next cycle"
    else:
        rounding = "what is rounded in one cycle is made up for in the next"
    cycle = (
        f"Every {total} samples in a row have each source as `in a cycle` says; {rounding}."
        if recipe.unit == "samples"
        else "How many samples that makes depends on their lengths, which a stage measures."
    )
    return [f"{len(counts)} sources; weights are shares of {recipe.unit}. {cycle}"]


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
