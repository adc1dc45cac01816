"""Builds the data of a stage from its configuration."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from lynx.config.errors import LynxError
from lynx.config.nearest import nearest_hint
from lynx.config.schema import Config, StageConfig
from lynx.data.micro_batches import MicroBatches, Share
from lynx.data.module import LynxDataModule
from lynx.data.prompts import load_pool
from lynx.data.recipe import load_recipe
from lynx.data.shards import ShardedSource
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
    or missing shards.
    """
    settings: StageConfig = getattr(config.stages, stage)
    recipe = load_recipe(settings.recipe)
    sources = _open_sources(config, stage, catalog)
    sizes = {name: len(source) for name, source in sources.items()}
    plan = MixPlan(weights=recipe.weights, sizes=sizes, seed=config.seed, name=stage)
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
        pools={source.name: load_pool(source.prompts) for source in recipe.sources},
        choose=settings.prompts,
        tokenizer=tokenizer,
        seed=config.seed,
        stage=stage,
        image_size=settings.image_size,
        random_crop_scale=config.data.random_crop_scale,
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
        fingerprint=data_fingerprint(config, stage, catalog=catalog),
        num_workers=config.data.num_workers,
        max_failures_per_source=config.data.max_failures_per_source,
        pin_memory=config.hardware.accelerator == "gpu",
    )


def data_fingerprint(config: Config, stage: str, *, catalog: Mapping[str, Path]) -> str:
    """Sixteen hex digits of all that decides what the stage's samples are and look like.

    Workers, devices, micro batches and the tokenizer are left out: the first three change nothing,
    the last belongs to the model.
    """
    settings: StageConfig = getattr(config.stages, stage)
    recipe = load_recipe(settings.recipe)
    phrasings = {}
    for source in recipe.sources:
        phrasings[source.name] = load_pool(source.prompts).phrasings(settings.prompts)
    content = {
        "stage": stage,
        "seed": config.seed,
        "weights": recipe.weights,
        "phrasings": phrasings,
        "shards": {n: s.fingerprint for n, s in _open_sources(config, stage, catalog).items()},
        "global_batch_size": settings.global_batch_size,
        "image_size": settings.image_size,
        "data": {
            key: value
            for key, value in asdict(config.data).items()
            if key in ("max_text_tokens", "pack_length", "random_crop_scale")
        },
    }
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def _open_sources(
    config: Config, stage: str, catalog: Mapping[str, Path]
) -> dict[str, ShardedSource]:
    recipe = load_recipe(getattr(config.stages, stage).recipe)
    for source in recipe.sources:
        if source.name not in catalog:
            raise LynxError(
                f"recipe `{recipe.name}`: source `{source.name}` is not in the catalog "
                f"`{config.data.catalog}`{nearest_hint(source.name, catalog)}"
            )
    return {source.name: ShardedSource(catalog[source.name]) for source in recipe.sources}
