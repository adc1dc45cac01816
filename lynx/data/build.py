"""Builds the data of a stage from its configuration."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from lynx.config.errors import LynxError
from lynx.config.nearest import nearest_hint
from lynx.config.schema import Config, StageConfig
from lynx.data.micro_batches import MicroBatches, Share
from lynx.data.module import LynxDataModule
from lynx.data.prompts import PromptPool, load_pools
from lynx.data.recipe import Recipe, load_recipe
from lynx.data.shards.reading import ShardedSource
from lynx.data.stream import MixPlan


def build_data_module(
    config: Config,
    stage: str,
    *,
    catalog: Mapping[str, Path],
    tokenizer: PreTrainedTokenizerBase,
    num_queries: int,
    rank: int = 0,
    world_size: int = 1,
) -> LynxDataModule:
    """The data of `config.stages.<stage>`; catalog: folder of shards of each source.

    num_queries: vision tokens of a visual sample. LynxError for an unknown recipe, pool or source,
    missing shards, rows too short for a sample, or batches that can't be split.
    """
    settings: StageConfig = getattr(config.stages, stage)
    _check_lengths(config, num_queries)
    recipe = load_recipe(settings.recipe)
    sources = _open_sources(recipe, catalog, name=config.data.catalog)
    all_pools = load_pools()
    pools = {name: all_pools[entry.prompts] for name, entry in recipe.sources.items()}
    sizes = {name: len(source) for name, source in sources.items()}
    weights = {name: entry.weight for name, entry in recipe.sources.items()}
    plan = MixPlan(weights=weights, sizes=sizes, seed=config.seed, name=stage)
    share = Share(
        global_batch_size=settings.global_batch_size,
        micro_batch_size=settings.micro_batch_size,
        rank=rank,
        world_size=world_size,
    )
    micro_batches = MicroBatches(
        plan=plan,
        share=share,
        sources=sources,
        pools=pools,
        prompts=settings.prompts,
        tokenizer=tokenizer,
        seed=config.seed,
        stage=stage,
        image_size=settings.image_size,
        smallest_crop=config.data.random_crop_scale,
        max_text_tokens=config.data.max_text_tokens,
        pack_length=config.data.pack_length,
        num_queries=num_queries,
    )
    return LynxDataModule(
        micro_batches=micro_batches,
        plan=plan,
        share=share,
        steps=settings.steps,
        sizes=sizes,
        fingerprint=_fingerprint(config, stage, weights=weights, pools=pools, sources=sources),
        num_workers=config.data.num_workers,
        max_failures_per_source=config.data.max_failures_per_source,
        pin_memory=config.hardware.accelerator == "gpu",
    )


def _check_lengths(config: Config, num_queries: int) -> None:
    longest = config.data.max_text_tokens + num_queries
    if config.data.pack_length < longest:
        raise LynxError(
            f"data.pack_length: {config.data.pack_length} tokens can't hold one sample of "
            f"{num_queries} vision tokens and {config.data.max_text_tokens} text tokens "
            f"(data.max_text_tokens); {longest} would"
        )


def _open_sources(
    recipe: Recipe, catalog: Mapping[str, Path], *, name: str
) -> dict[str, ShardedSource]:
    for source in recipe.sources:
        if source not in catalog:
            raise LynxError(
                f"recipe `{recipe.name}`: source `{source}` is not in the catalog "
                f"`{name}`{nearest_hint(source, catalog)}"
            )
    return {source: ShardedSource(catalog[source]) for source in recipe.sources}


def _fingerprint(
    config: Config,
    stage: str,
    *,
    weights: Mapping[str, float],
    pools: Mapping[str, PromptPool],
    sources: Mapping[str, ShardedSource],
) -> str:
    """Sixteen hex digits of all that decides what the stage's samples are and look like.

    Workers, devices, micro batches, the length of packed rows and the tokenizer are left out: the
    first four change no sample, the last belongs to the model.
    """
    settings: StageConfig = getattr(config.stages, stage)
    diverse = settings.prompts == "diverse"
    content = {
        "stage": stage,
        "seed": config.seed,
        "weights": list(weights.items()),  # a list: the order of sources matters
        "phrasings": {
            name: pool.diverse if diverse else [pool.single] for name, pool in pools.items()
        },
        "shards": {name: source.fingerprint for name, source in sources.items()},
        "global_batch_size": settings.global_batch_size,
        "image_size": settings.image_size,
        "max_text_tokens": config.data.max_text_tokens,
        "random_crop_scale": config.data.random_crop_scale,
    }
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
