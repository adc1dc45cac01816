"""Finds the shards of every source that a variant's recipes name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lynx.config.catalog_files import WORLD
from lynx.config.paths import from_root
from lynx.config.recipe_files import load_recipe
from lynx.config.schema import STAGE_NAMES, Config
from lynx.data.catalog import load_catalog
from lynx.tracking.ranks import agreed, is_first_rank
from lynx.world.build import build_catalog


def catalog_of(config: Config) -> Mapping[str, str | Path]:
    """The shards of every source that some stage's recipe names."""
    recipes = [load_recipe(getattr(config.stages, stage).recipe) for stage in STAGE_NAMES]
    sources = sorted({name for recipe in recipes for name in recipe.sources})
    if config.data.catalog != WORLD:
        return load_catalog(config.data, sources)
    if not is_first_rank():
        agreed(None)  # connected, rank zero builds what is missing; else who has the lock does
    shards = build_catalog(from_root(config.data.cache_dir), sources, progress=is_first_rank())
    if is_first_rank():
        agreed(None)
    return shards
