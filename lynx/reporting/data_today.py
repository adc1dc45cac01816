"""Holds the data that a run was trained on against what its recipes and shards would give today."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from lynx.config.catalog_files import WORLD
from lynx.config.errors import LynxError
from lynx.config.paths import from_root
from lynx.config.recipe_files import load_recipe
from lynx.config.schema import STAGE_NAMES, Config
from lynx.reporting.records import read_record
from lynx.tracking.run_dir import RunDir

Changes = tuple[tuple[str, ...], tuple[str, ...]]


def data_changes(run: RunDir, config: Config) -> Changes:
    """What has changed in the data of the run's stages, and what could not be compared.

    config: of the variant today. Nothing is built or fetched: shards that are not on this machine
    leave the answer open, as do recipes whose weights are shares of tokens, which must be measured.
    """
    changed, unknown, without_record = [], [], []
    for stage in STAGE_NAMES:
        record = read_record(run.stage_record_path(stage))
        fingerprint = (record or {}).get("data_fingerprint")
        if fingerprint is None:
            without_record.append(stage)
            continue
        try:
            now = fingerprint_today(config, stage)
        except LynxError as error:
            changed.append(f"data of stage {stage}: {_first_line(error)}")
            continue
        if now is None:
            unknown.append("the data, as shards or tokenizer are not here")
        elif now != fingerprint:
            changed.append(f"data of stage {stage}: {fingerprint} -> {now}")
    if without_record:
        unknown.append(f"the data, of which {', '.join(without_record)} left no record")
    return tuple(changed), tuple(dict.fromkeys(unknown))


@cache
def _measured_today(key: str, stage: str) -> str | None:
    return _computed(_CONFIGS[key], stage)


_CONFIGS: dict[str, Config] = {}  # a Config holds mappings and is not hashable


def fingerprint_today(config: Config, stage: str) -> str | None:
    """The data's fingerprint, as training would record it now; None where it takes work to know.

    LynxError where recipe, prompts and shards don't fit together any more.
    """
    settings = getattr(config.stages, stage)
    key = repr((config.seed, config.data, settings, config.model))
    _CONFIGS[key] = config
    return _measured_today(key, stage)


def _computed(config: Config, stage: str) -> str | None:
    from lynx.data.build import build_data_module
    from lynx.model.language_model import load_tokenizer
    from lynx.model.pretrained import is_at_hand

    recipe = load_recipe(getattr(config.stages, stage).recipe)
    checkpoint = config.model.language_model.checkpoint
    if recipe.unit == "tokens" or not is_at_hand(checkpoint):
        return None
    catalog = _shards_here(config, list(recipe.sources))
    if catalog is None:
        return None
    module = build_data_module(
        config,
        stage,
        catalog=catalog,
        tokenizer=load_tokenizer(checkpoint),
        num_queries=config.model.resampler.num_queries,
    )
    return module.fingerprint


def _shards_here(config: Config, sources: list[str]) -> Mapping[str, str | Path] | None:
    """Folders of the sources' shards; None where one is not on this machine."""
    from lynx.data.catalog import load_catalog
    from lynx.world.build import fingerprint

    if config.data.catalog == WORLD:
        root = from_root(config.data.cache_dir) / f"world-{fingerprint()}"
        folders: dict[str, str | Path] = {source: root / source for source in sources}
    else:
        try:
            folders = load_catalog(config.data, sources)
        except LynxError:
            return None
    return folders if all(Path(folder).is_dir() for folder in folders.values()) else None


def _first_line(error: LynxError) -> str:
    return str(error).split("\n")[0]
