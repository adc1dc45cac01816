"""Counts the phrasings of each prompt pool and of each task of Table 12, by origin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import get_args

from lynx.config.prompt_pools import Origin, PromptPool, load_pool, load_pools
from lynx.config.recipe_files import load_recipe

ORIGINS: tuple[Origin, ...] = get_args(Origin)
_TABLE_12 = ("pretrain", "instruct")  # recipes, a column each; together its 50 rows


def counts(pool: PromptPool) -> dict[Origin, int]:
    """Number of phrasings of each origin; the paper's is not among `plain` here."""
    found: Counter[Origin] = Counter(pool.origin_of(text) for text in pool.diverse)
    found["held_out"] = len(pool.held_out)
    return {origin: found[origin] for origin in ORIGINS}


def tasks() -> dict[str, str]:
    """The prompt pool of each of the 50 rows of Table 12, in the order of the recipes."""
    return {
        name: source.prompts
        for recipe in _TABLE_12
        for name, source in load_recipe(recipe).sources.items()
    }


def describe_pools(name: str | None = None) -> str:
    """Tables by pool and by task, or the phrasings of one pool with their origin.

    An unknown pool is a LynxError.
    """
    if name is not None:
        return _phrasings(load_pool(name))
    pools, pool_of = load_pools(), tasks()
    trained = {text for pool in pools.values() for text in pool.diverse}
    written = {text for pool in pools.values() for text in pool.hand_written}
    by_pool = [[pool.name, *_row(pool)] for pool in pools.values()]
    by_task = [[task, pool, *_row(pools[pool])] for task, pool in pool_of.items()]
    heads = [*(origin.replace("_", " ") for origin in ORIGINS), "training"]
    return "\n".join(
        [
            *_aligned([["pool", *heads], *by_pool], num_names=1),
            "",
            *_aligned([["task", "pool", *heads], *by_task], num_names=2),
            "",
            f"{len(trained)} phrasings to train on, no two alike, {len(written)} of them written "
            f"by hand; {len(pools)} pools, {len(pool_of)} tasks of Table 12",
            "The paper has 500 prompts for over 50 tasks, one a dataset published (2.2, Table 13).",
        ]
    )


def _row(pool: PromptPool) -> list[str]:
    return [*(str(count) for count in counts(pool).values()), str(len(pool.diverse))]


def _phrasings(pool: PromptPool) -> str:
    made_by: Mapping[str, str] = {
        one.text: f"  ({one.model}, {one.date}, {one.run})" for one in pool.generated
    }
    lines = [(pool.origin_of(text), text + made_by.get(text, "")) for text in pool.diverse]
    lines += [("held_out", text) for text in pool.held_out]
    return "\n".join(f"{origin.replace('_', ' '):<9}  {text}" for origin, text in lines)


def _aligned(rows: Sequence[Sequence[str]], *, num_names: int) -> list[str]:
    """Names to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if number < num_names else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
