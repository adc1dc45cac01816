"""Checks a composed configuration as far as that needs neither weights nor samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lynx.config.errors import LynxError
from lynx.config.files import names_in, read_mapping, shown
from lynx.config.nearest import nearest_hint
from lynx.config.paths import from_root, repository_root
from lynx.config.schema import STAGE_NAMES, Config, StageConfig

RECIPES = "data_recipes"
PROMPTS = "data_recipes/prompts"
CATALOGS = "data_recipes/catalogs"
PATCH_SIZE = 14  # pixels; of every vision encoder of EVA-CLIP-g's shape


def validate(config: Config) -> None:
    """Raise one LynxError that lists everything wrong with `config`; return when all is well."""
    problems = [
        *_recipe_problems(config),
        *_stage_problems(config),
        *_hardware_problems(config),
        *_evaluation_problems(config),
    ]
    if problems:
        name = config.ablation or config.experiment
        raise LynxError(f"{name} at scale {config.scale}:\n  " + "\n  ".join(problems))


def _stages(config: Config) -> dict[str, StageConfig]:
    return {name: getattr(config.stages, name) for name in STAGE_NAMES}


def _recipe_problems(config: Config) -> Iterator[str]:
    pools = prompt_pools()
    catalog = _catalog_sources(config.data.catalog)
    if isinstance(catalog, str):
        yield catalog
        catalog = None
    for stage, settings in _stages(config).items():
        key = f"stages.{stage}.recipe"
        path = repository_root() / RECIPES / f"{settings.recipe}.yaml"
        if not path.is_file():
            hint = nearest_hint(settings.recipe, names_in(RECIPES))
            yield f"{key}: no recipe `{settings.recipe}`: there is no {shown(path)}{hint}"
            continue
        yield from _source_problems(path, pools=pools, catalog=catalog)


def _source_problems(
    path: Path, *, pools: frozenset[str], catalog: frozenset[str] | None
) -> Iterator[str]:
    sources = read_mapping(path).get("sources")
    if not isinstance(sources, dict) or not sources:
        yield f"{shown(path)}: `sources` must map source names to weight and prompts"
        return
    for name, entry in sources.items():
        place = f"{shown(path)}: sources.{name}"
        weight = entry.get("weight") if isinstance(entry, dict) else None
        pool = entry.get("prompts") if isinstance(entry, dict) else None
        if not (isinstance(weight, (int, float)) and weight > 0):
            yield f"{place}.weight: {weight!r} is not a number above 0"
        if pool not in pools:
            yield f"{place}.prompts: no pool `{pool}` in {PROMPTS}/{nearest_hint(str(pool), pools)}"
        if catalog is not None and name not in catalog:
            yield f"{place}: the catalog has no such source{nearest_hint(str(name), catalog)}"


def prompt_pools() -> frozenset[str]:
    """Names of all prompt pools, over the files in `data_recipes/prompts/`."""
    found: set[str] = set()
    for name in names_in(PROMPTS):
        found |= set(_section(repository_root() / PROMPTS / f"{name}.yaml", "pools"))
    return frozenset(found)


def _catalog_sources(catalog: str) -> frozenset[str] | str | None:
    """The sources a catalog has; None for the world, which has all; a message when it's missing."""
    if catalog == "world":
        return None
    path = (
        from_root(catalog) if catalog.endswith(".yaml") else from_root(f"{CATALOGS}/{catalog}.yaml")
    )
    if not path.is_file():
        known = ["world", *names_in(CATALOGS)]
        return f"data.catalog: no catalog `{catalog}`{nearest_hint(catalog, known)}"
    return frozenset(_section(path, "sources"))


def _section(path: Path, key: str) -> Mapping[str, Any]:
    section = read_mapping(path).get(key)
    if not isinstance(section, dict):
        raise LynxError(f"{shown(path)}: `{key}` must be a mapping")
    return section


def _stage_problems(config: Config) -> Iterator[str]:
    devices = config.hardware.devices * config.hardware.num_nodes
    smallest = 0
    for name, stage in _stages(config).items():
        key = f"stages.{name}"
        for field in ("steps", "global_batch_size", "micro_batch_size", "learning_rate"):
            if getattr(stage, field) <= 0:
                yield f"{key}.{field}: {getattr(stage, field)} is not above 0"
        share = devices * stage.micro_batch_size
        if share > 0 and stage.global_batch_size % share:
            yield (
                f"{key}.global_batch_size: {stage.global_batch_size} is no multiple of {devices} "
                f"devices x {stage.micro_batch_size} samples (micro_batch_size) = {share}"
            )
        if stage.image_size <= 0 or stage.image_size % PATCH_SIZE:
            yield f"{key}.image_size: {stage.image_size} px is no multiple of {PATCH_SIZE}"
        if stage.image_size < smallest:
            yield f"{key}.image_size: {stage.image_size} px is less than {smallest} px before it"
        smallest = max(smallest, stage.image_size)
        trainable = stage.trainable
        if not (trainable.vision_encoder or trainable.resampler or trainable.adapters):
            yield f"{key}.trainable: no part is trained"
    longest = config.model.resampler.num_queries + config.data.max_text_tokens
    if longest > config.data.pack_length:
        yield (
            f"data.pack_length: {config.data.pack_length} tokens can't hold one sample of "
            f"{longest} (model.resampler.num_queries + data.max_text_tokens)"
        )


def _hardware_problems(config: Config) -> Iterator[str]:
    hardware = config.hardware
    devices = hardware.devices * hardware.num_nodes
    if devices < 1:
        yield "hardware.devices: at least one device on one node is needed"
    if hardware.strategy == "single" and devices > 1:
        yield f"hardware.strategy: single can't use {devices} devices; ddp or deepspeed can"
    if hardware.offload and hardware.strategy != "deepspeed":
        yield "hardware.offload: only hardware.strategy=deepspeed offloads"


def _evaluation_problems(config: Config) -> Iterator[str]:
    rows = config.evaluation.generation
    pools = prompt_pools()
    for name, benchmark in config.evaluation.benchmarks.items():
        key = f"evaluation.benchmarks.{name}"
        wanted = {"generation": benchmark.generation}
        if benchmark.plug_and_play:
            wanted["description_generation"] = benchmark.description_generation
        for field, row in wanted.items():
            if row not in rows:
                hint = nearest_hint(row, rows)
                yield f"{key}.{field}: no row `{row}` in evaluation.generation{hint}"
        pool = benchmark.prompt_pool
        if pool is not None and pool not in pools:
            yield f"{key}.prompt_pool: no pool `{pool}` in {PROMPTS}/{nearest_hint(pool, pools)}"
        if pool is None and "{question}" not in benchmark.prompt:
            yield f"{key}.prompt: {benchmark.prompt!r} lacks {{question}}"
