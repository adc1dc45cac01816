"""Turns what a recipe says of its sources into weights of samples, once sizes are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from lynx.config.errors import LynxError
from lynx.config.recipe_files import Recipe

_SPREAD = Fraction(1, 100)  # of a stage: so much more than all passes is spread over them
_PRECISION = 10**6  # of mean lengths: they are estimates, and exact ones make cycles endless


def sample_weights(
    recipe: Recipe,
    *,
    sizes: Mapping[str, int],
    num_samples: int,
    mean_tokens: Callable[[str], float],
) -> dict[str, Fraction]:
    """Weight of each source per sample, in the recipe's order.

    sizes: rows of each source; num_samples: of the whole stage. Sources with `repeat` take passes x
    rows of them, the others share the rest by their weights. Where those are shares of tokens, they
    are divided by `mean_tokens(source)`, the tokens of a sample. LynxError where the passes take
    more samples than there are, or leave none to the others.
    """
    weighted = {name: one.weight for name, one in recipe.sources.items() if one.weight is not None}
    if recipe.unit == "tokens":
        for name, weight in weighted.items():
            length = Fraction(round(mean_tokens(name) * _PRECISION), _PRECISION)
            weighted[name] = weight / length
    if len(weighted) == len(recipe.sources):
        return weighted
    passes = {
        name: one.repeat * sizes[name]
        for name, one in recipe.sources.items()
        if one.repeat is not None
    }
    rest = num_samples - sum(passes.values())
    if rest < 0 or (rest == 0 and weighted):
        listed = ", ".join(f"{name} {float(number):.0f}" for name, number in passes.items())
        raise LynxError(
            f"recipe `{recipe.name}`: `repeat` asks for {float(sum(passes.values())):.0f} of the "
            f"stage's {num_samples} samples ({listed}), which leaves none for the sources with a "
            "weight; lower it, or raise steps"
        )
    if not weighted and rest > num_samples * _SPREAD:
        raise LynxError(
            f"recipe `{recipe.name}`: all sources have `repeat`, which takes "
            f"{float(sum(passes.values())):.0f} samples, and the stage has {num_samples}; give a "
            "source a weight, or the stage fewer steps"
        )
    total = sum(weighted.values()) or Fraction(1)
    shares = {name: rest * weight / total for name, weight in weighted.items()}
    return {name: (passes | shares)[name] for name in recipe.sources}
