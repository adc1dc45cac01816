"""Checks a composed configuration as far as that needs neither weights nor samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lynx.config.catalog_files import WORLD, read_catalog
from lynx.config.errors import LynxError
from lynx.config.nearest import nearest_hint
from lynx.config.prompt_pools import PROMPTS, PromptPool, load_pools
from lynx.config.ranges import range_problems
from lynx.config.recipe_files import RECIPES, load_recipe
from lynx.config.schema import (
    JUDGE_RULES,
    STAGE_NAMES,
    VISIONS_WITHOUT,
    WORLD_BENCHMARKS,
    BenchmarkConfig,
    Config,
    StageConfig,
)

_RULE_PREFIX = JUDGE_RULES[0].partition(":")[0] + ":"
_WORLD_PREFIX = f"{WORLD}:"


def validate(config: Config) -> None:
    """Raise one LynxError that lists everything wrong with `config`; return when all is well."""
    problems = [
        *range_problems(config),
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
    known: frozenset[str] | None = None  # the world has every source
    if config.data.catalog != WORLD:
        try:
            known = frozenset(read_catalog(config.data.catalog)["sources"])
        except LynxError as error:
            yield str(error)
    for recipe, key in _recipes(config).items():
        try:
            sources = load_recipe(recipe).sources
        except LynxError as error:
            yield f"{key}: {error}"
            continue
        for source in sources:
            if known is not None and source not in known:
                name = recipe.partition(":")[0]
                place = f"{RECIPES}/{name}.yaml: sources.{source}"
                yield f"{place}: the catalog has no such source{nearest_hint(source, known)}"


def _recipes(config: Config) -> dict[str, str]:
    """Each recipe once, with the key that names it first."""
    recipes: dict[str, str] = {}
    for name, stage in _stages(config).items():
        recipes.setdefault(stage.recipe, f"stages.{name}.recipe")
    return recipes


def _stage_problems(config: Config) -> Iterator[str]:
    devices = config.hardware.devices * config.hardware.num_nodes
    patch = config.model.vision_encoder.patch_size
    smallest = 0
    for name, stage in _stages(config).items():
        key = f"stages.{name}"
        share = devices * stage.micro_batch_size
        if share > 0 and stage.global_batch_size % share:
            yield (
                f"{key}.global_batch_size: {stage.global_batch_size} is no multiple of {devices} "
                f"devices x {stage.micro_batch_size} samples (micro_batch_size) = {share}"
            )
        if patch > 0 and stage.image_size % patch:
            yield f"{key}.image_size: {stage.image_size} px is no multiple of {patch} (patch_size)"
        if stage.image_size < smallest:
            yield f"{key}.image_size: {stage.image_size} px is less than {smallest} px before it"
        smallest = max(smallest, stage.image_size)
        if not any(vars(stage.trainable).values()):
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
    if hardware.strategy == "single" and devices > 1:
        yield f"hardware.strategy: single can't use {devices} devices; ddp or deepspeed can"
    in_fp32 = (hardware.accelerator, hardware.precision) == ("gpu", "fp32")
    if in_fp32 and hardware.attention == "varlen":
        yield (
            "hardware.attention: on a GPU varlen computes in half precision alone, and "
            "hardware.precision is fp32; bf16, or sdpa"
        )
    if hardware.offload and hardware.strategy != "deepspeed":
        yield "hardware.offload: only hardware.strategy=deepspeed offloads"


def _evaluation_problems(config: Config) -> Iterator[str]:
    judge = config.evaluation.judge.name
    if judge.startswith(_RULE_PREFIX) and judge not in JUDGE_RULES:
        yield f"evaluation.judge.name: no rule `{judge}`{nearest_hint(judge, JUDGE_RULES)}"
    for vision in config.evaluation.without_vision:
        if vision not in VISIONS_WITHOUT:
            yield (
                f"evaluation.without_vision: `{vision}` is none of "
                f"{', '.join(VISIONS_WITHOUT)}{nearest_hint(vision, VISIONS_WITHOUT)}"
            )
    for name in config.evaluation.ask_only:
        if name not in config.evaluation.benchmarks:
            hint = nearest_hint(name, config.evaluation.benchmarks)
            yield f"evaluation.ask_only: no benchmark `{name}` in evaluation.benchmarks{hint}"
    pools = load_pools()
    for name, benchmark in config.evaluation.benchmarks.items():
        key = f"evaluation.benchmarks.{name}"
        yield from _question_problems(benchmark, key)
        yield from _decoding_problems(benchmark, key, rows=config.evaluation.generation)
        yield from _prompt_problems(benchmark, key, pools=pools)


def _question_problems(benchmark: BenchmarkConfig, key: str) -> Iterator[str]:
    spec = benchmark.questions
    if not spec.startswith(_WORLD_PREFIX):
        return
    name = spec.removeprefix(_WORLD_PREFIX)
    if name not in WORLD_BENCHMARKS:
        hint = nearest_hint(name, WORLD_BENCHMARKS)
        yield f"{key}.questions: the world has no benchmark `{name}`{hint}"
        return
    right_format, right_kind = WORLD_BENCHMARKS[name]
    if benchmark.kind != right_kind:
        others = [
            f"`{_WORLD_PREFIX}{other}`"
            for other, (form, kind) in WORLD_BENCHMARKS.items()
            if (form, kind) == (benchmark.format, benchmark.kind)
        ]
        yield (
            f"{key}.questions: `{spec}` is not of kind {benchmark.kind} ({key}.kind); "
            f"the world's questions of that kind are {' and '.join(others) or 'none'}"
        )
    elif benchmark.format != right_format:
        yield f"{key}.format: `{spec}` has the format {right_format}, not {benchmark.format}"


def _decoding_problems(
    benchmark: BenchmarkConfig, key: str, *, rows: Mapping[str, object]
) -> Iterator[str]:
    wanted = {"generation": benchmark.generation}
    if benchmark.plug_and_play:
        wanted["description_generation"] = benchmark.description_generation
    for field, row in wanted.items():
        if row not in rows:
            hint = nearest_hint(row, rows)
            yield f"{key}.{field}: no row `{row}` in evaluation.generation{hint}"


def _prompt_problems(
    benchmark: BenchmarkConfig, key: str, *, pools: Mapping[str, PromptPool]
) -> Iterator[str]:
    name = benchmark.prompt_pool
    if name is None:
        if "{question}" not in benchmark.prompt:
            yield f"{key}.prompt: {benchmark.prompt!r} lacks {{question}}"
        return
    if name not in pools:
        yield f"{key}.prompt_pool: no pool `{name}` in {PROMPTS}/{nearest_hint(name, pools)}"
        return
    usable = [pool.name for pool in pools.values() if _asks_the_question(pool)]
    if name not in usable:
        yield (
            f"{key}.prompt_pool: the phrasings of `{name}` take {list(pools[name].fields)}, and a "
            f"benchmark gives the question alone{nearest_hint(name, usable)}"
        )


def _asks_the_question(pool: PromptPool) -> bool:
    return pool.fields == ("question",) and bool(pool.held_out)
