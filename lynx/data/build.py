"""Builds the data of a stage from its configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from lynx.config.errors import LynxError
from lynx.config.nearest import nearest_hint
from lynx.config.paths import from_root
from lynx.config.prompt_pools import PromptPool, load_pools
from lynx.config.recipe_files import Recipe, load_recipe
from lynx.config.schema import Config, DataConfig, StageConfig
from lynx.config.seeds import python_random
from lynx.data.exclusions import Excluded, KeptRows, read_exclusions
from lynx.data.identity import Identity, digest, tokenizer_digest
from lynx.data.micro_batches import MicroBatches, Share
from lynx.data.module import LynxDataModule
from lynx.data.sample import UnreadableSampleError
from lynx.data.shards.reading import ShardedSource
from lynx.data.source import Source
from lynx.data.stream import MixPlan, cycle_counts
from lynx.data.text import encode_sample
from lynx.data.weights import sample_weights

_NUM_MEASURED = 500  # rows of a source from which the tokens of its samples are estimated
_SHARDS_MEASURED = 5
_GB = 10**9


def build_data_module(
    config: Config,
    stage: str,
    *,
    catalog: Mapping[str, str | Path],
    tokenizer: PreTrainedTokenizerBase,
    num_queries: int,
    rank: int = 0,
    world_size: int = 1,
) -> LynxDataModule:
    """The data of `config.stages.<stage>`; catalog: folder or URL of the shards of each source.

    num_queries: vision tokens of a visual sample. LynxError for an unknown recipe, pool or source,
    missing shards, rows too short for a sample, or batches that can't be split.
    """
    settings: StageConfig = getattr(config.stages, stage)
    _check_lengths(config, num_queries)
    recipe = load_recipe(settings.recipe)
    sources = open_sources(recipe, catalog, config.data)
    all_pools = load_pools(config.data.phrasings)
    pools = {name: all_pools[entry.prompts] for name, entry in recipe.sources.items()}
    sizes = {name: len(source) for name, source in sources.items()}

    def mean_tokens(source: str) -> float:
        return mean_sample_tokens(
            sources[source], pools[source], tokenizer, config.data.max_text_tokens, num_queries
        )

    weights = sample_weights(
        recipe,
        sizes=sizes,
        num_samples=settings.steps * settings.global_batch_size,
        mean_tokens=mean_tokens,
    )
    plan = MixPlan(
        weights=weights,
        sizes=sizes,
        seed=config.seed,
        name=stage,
        shard_ends={name: source.shard_ends for name, source in sources.items()},
        locality=config.data.locality,
    )
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
        packing=config.data.packing,
        num_queries=num_queries,
        num_frames=config.model.num_frames,
        image_mean=config.model.vision_encoder.image_mean,
        image_std=config.model.vision_encoder.image_std,
    )
    identity = _identity(
        config, stage, weights=weights, pools=pools, sources=sources, tokenizer=tokenizer
    )
    return LynxDataModule(
        micro_batches=micro_batches,
        plan=plan,
        share=share,
        steps=settings.steps,
        sizes=sizes,
        identity=identity,
        num_workers=config.data.num_workers,
        max_failures_per_source=config.data.max_failures_per_source,
        pin_memory=config.hardware.accelerator == "gpu",
    )


def check_stage(config: Config, stage: str, *, catalog: Mapping[str, str | Path]) -> None:
    """LynxError for what would keep the stage's data from being built, lengths of samples aside."""
    settings: StageConfig = getattr(config.stages, stage)
    recipe = load_recipe(settings.recipe)
    sources = open_sources(recipe, catalog, config.data)
    weights = sample_weights(
        recipe,
        sizes={name: len(source) for name, source in sources.items()},
        num_samples=settings.steps * settings.global_batch_size,
        mean_tokens=lambda _: 1.0,
    )
    cycle_counts(weights)


def _check_lengths(config: Config, num_queries: int) -> None:
    longest = config.data.max_text_tokens + num_queries
    if config.data.pack_length < longest:
        raise LynxError(
            f"data.pack_length: {config.data.pack_length} tokens can't hold one sample of "
            f"{num_queries} vision tokens and {config.data.max_text_tokens} text tokens "
            f"(data.max_text_tokens); {longest} would"
        )


def open_sources(
    recipe: Recipe, catalog: Mapping[str, str | Path], data: DataConfig
) -> dict[str, Source]:
    """The shards of each source of the recipe, without the rows that it excludes."""
    for name in recipe.sources:
        if name not in catalog:
            raise LynxError(
                f"recipe `{recipe.name}`: source `{name}` is not in the catalog "
                f"`{data.catalog}`{nearest_hint(name, catalog)}"
            )
    exclusions = {
        path: read_exclusions(from_root(path))
        for path in {entry.exclude for entry in recipe.sources.values()}
        if path is not None
    }
    found: dict[str, Source] = {}
    for name, entry in recipe.sources.items():
        source = open_source(catalog[name], data)
        if source.name != name:
            raise LynxError(
                f"catalog `{data.catalog}`: sources.{name}: {catalog[name]} holds the shards of "
                f"`{source.name}`; name its folder, or build it under this name"
            )
        _check_locality(source, data)
        found[name] = source
        if entry.exclude is not None:
            found[name] = _kept(source, entry.exclude, exclusions[entry.exclude])
    return found


def _check_locality(source: ShardedSource, data: DataConfig) -> None:
    """Shards behind a URL that are read in any order must all fit into the cache."""
    total = source.num_bytes / _GB
    if "://" in str(source.directory) and not data.locality and total > data.shard_cache_gb:
        raise LynxError(
            f"source `{source.name}`: {source.directory} has {total:.0f} GB of shards, and "
            f"data.shard_cache_gb is {data.shard_cache_gb:g}: read in any order, each sample would "
            "fetch a shard; set data.locality to a number of shards, such as 64"
        )


def open_source(location: str | Path, data: DataConfig) -> ShardedSource:
    """The shards at a path or URL; those behind a URL are kept in `data.cache_dir`."""
    if "://" not in str(location):
        return ShardedSource(location)
    cache_dir = from_root(data.cache_dir) / "shards"
    return ShardedSource(location, cache_dir=cache_dir, max_bytes=round(data.shard_cache_gb * _GB))


def _kept(source: ShardedSource, exclude: str, excluded: Mapping[str, Excluded]) -> Source:
    if source.name not in excluded:
        raise LynxError(
            f"{exclude}: has no rows of the source `{source.name}`, whose `exclude` names it; it "
            f"has {', '.join(excluded)}"
        )
    return KeptRows(source, excluded[source.name])


def mean_sample_tokens(
    source: Source,
    pool: PromptPool,
    tokenizer: PreTrainedTokenizerBase,
    max_text_tokens: int,
    num_queries: int,
) -> float:
    """Tokens of a sample of the source, with its vision tokens: the mean of _NUM_MEASURED draws.

    The rows are of a few shards: one behind a URL is fetched whole. Few rows are drawn repeatedly,
    as phrasings differ.
    """
    rows = _measured_rows(source.shard_ends)
    total = read = 0
    for number in range(_NUM_MEASURED):
        row = rows[number % len(rows)]
        try:
            sample = source.read(row)
        except UnreadableSampleError:
            continue
        encoded = encode_sample(
            sample,
            pool=pool,
            tokenizer=tokenizer,
            prompts="diverse",
            rng=python_random(0, "lengths", source.name, number),
            max_text_tokens=max_text_tokens,
        )
        total += len(encoded.input_ids) + (0 if sample.kind == "text" else num_queries)
        read += 1
    if not read:
        raise LynxError(f"source `{source.name}`: none of {len(rows)} rows can be read")
    return total / read


def _measured_rows(shard_ends: Sequence[int]) -> list[int]:
    """At most _NUM_MEASURED rows, spread over shards that are spread over the source."""
    shards = [shard for shard in pairwise((0, *shard_ends)) if shard[1] > shard[0]]
    count = min(_SHARDS_MEASURED, len(shards))
    chosen = [shards[len(shards) * number // count] for number in range(count)]
    most = _NUM_MEASURED // count
    return [
        start + (end - start) * number // min(most, end - start)
        for start, end in chosen
        for number in range(min(most, end - start))
    ]


def _identity(
    config: Config,
    stage: str,
    *,
    weights: Mapping[str, Fraction],
    pools: Mapping[str, PromptPool],
    sources: Mapping[str, Source],
    tokenizer: PreTrainedTokenizerBase,
) -> Identity:
    """All that decides what the stage's samples are and look like, in the order of the sources.

    Workers, devices, micro batches and the length of packed rows are left out: they change none.
    """
    settings: StageConfig = getattr(config.stages, stage)
    return {
        "stage": stage,
        "seed": str(config.seed),
        "tokenizer": tokenizer_digest(tokenizer),
        "global_batch_size": str(settings.global_batch_size),
        "image_size": str(settings.image_size),
        "max_text_tokens": str(config.data.max_text_tokens),
        "random_crop_scale": str(config.data.random_crop_scale),
        "num_frames": str(config.model.num_frames),
        "locality": str(config.data.locality),
        **{f"weight of {name}": _number(weight) for name, weight in weights.items()},
        **{
            f"prompts of {name}": digest(pool.phrasings(settings.prompts))
            for name, pool in pools.items()
        },
        **{f"shards of {name}": source.fingerprint for name, source in sources.items()},
    }


def _number(weight: Fraction) -> str:
    """As a decimal where that is exact, so that a message can be read."""
    decimal = repr(float(weight))
    return decimal if Fraction(decimal) == weight else str(weight)
