"""Puts a variant's forecast together: difference, stages to reuse, sizes, hours, memory, disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from lynx.config.compose import compose, variant_name
from lynx.config.diff import Diff, resolved_diff
from lynx.config.schema import STAGE_NAMES, Config
from lynx.model.build import meta_model_of
from lynx.planning.disk import needed_bytes, stage_disk
from lynx.planning.facts_files import Gpu, PaperStage, paper_stage
from lynx.planning.flops import StageFlops, stage_flops
from lynx.planning.hours import StageHours, paper_utilisation, probed_hours, stage_hours
from lynx.planning.load import Load, stage_load
from lynx.planning.manifest import final_manifest
from lynx.planning.memory import StageMemory, by_strategy, stage_memory
from lynx.planning.parameters import num_interpolated, num_trained, trained_parts
from lynx.planning.probe import ProbeResult
from lynx.planning.reuse import StageState, settings_addresses, stage_states
from lynx.planning.sizes import sizes_of


@dataclass(frozen=True)
class StagePlan:
    """The forecast of one stage; bytes, hours and operations as their modules say."""

    state: StageState
    load: Load
    trained_parts: frozenset[str]
    num_trained: int
    flops: StageFlops
    memory: StageMemory
    memory_by_strategy: Mapping[str, Mapping[str, int]]
    hours: StageHours | None  # None for a CPU that wasn't probed
    probe: ProbeResult | None
    disk: Mapping[str, int]
    final_bytes_bf16: int  # of the final file, were it bfloat16
    paper: PaperStage | None  # at paper scale, where the stage is as in the experiment
    paper_utilisation: float | None


@dataclass(frozen=True)
class Plan:
    """The forecast of a variant; gpu: None where it trains on a CPU."""

    config: Config
    variant: str
    diff: Diff
    parameters: Mapping[str, int]
    num_interpolated: int
    stages: Mapping[str, StagePlan]
    gpu: Gpu | None
    utilisation: float
    disk: int

    @property
    def num_devices(self) -> int:
        """All of them."""
        return self.config.hardware.devices * self.config.hardware.num_nodes


def make_plan(
    config: Config,
    *,
    gpu: Gpu,
    utilisation: float,
    tokens_per_sample: float | None = None,
    probe: Callable[[Config, str, Load], ProbeResult] | None = None,
) -> Plan:
    """The forecast of `config`; nothing is built, downloaded or trained for it.

    utilisation: share of the GPU's rate that is assumed. probe: measures a stage instead. Memory is
    counted as on a GPU wherever the variant trains on one.
    """
    base = compose(experiment=config.experiment, scale=config.scale, seed=config.seed)
    model = meta_model_of(config)
    sizes, states = sizes_of(model), stage_states(config, base)
    own, theirs = settings_addresses(config), settings_addresses(base)
    is_unchanged = {stage: own[stage] == theirs[stage] for stage in STAGE_NAMES}
    is_gpu = config.hardware.accelerator == "gpu"
    stages = {}
    for stage in STAGE_NAMES:
        load = stage_load(config, stage, tokens_per_sample=tokens_per_sample)
        flops = stage_flops(config, stage, load=load, sizes=sizes)
        hours = stage_hours(config, stage, flops, gpu=gpu, utilisation=utilisation)
        probed = probe(config, stage, load) if probe is not None else None
        if probed is not None:
            hours = probed_hours(config, stage, probed)
        is_paper = config.scale == "paper" and is_unchanged[stage]
        stages[stage] = StagePlan(
            state=states[stage],
            load=load,
            trained_parts=trained_parts(config, stage),
            num_trained=num_trained(config, stage, sizes),
            flops=flops,
            memory=stage_memory(config, stage, load=load, sizes=sizes),
            memory_by_strategy=by_strategy(config, stage, load=load, sizes=sizes),
            hours=hours if is_gpu or probed is not None else None,
            probe=probed,
            disk=stage_disk(config, stage, model=model),
            final_bytes_bf16=sum(
                one.num_bytes for one in final_manifest(config, stage, model=model, bytes_each=2)
            ),
            paper=paper_stage(stage) if is_paper else None,
            paper_utilisation=paper_utilisation(config, stage, load, sizes) if is_paper else None,
        )
    return Plan(
        config=config,
        variant=variant_name(config),
        diff=resolved_diff(base, config),
        parameters=sizes.parameters,
        num_interpolated=num_interpolated(config, model),
        stages=stages,
        gpu=gpu if is_gpu else None,
        utilisation=utilisation,
        disk=needed_bytes(config, model=model),
    )


def plan_json(plan: Plan) -> dict[str, Any]:
    """The forecast as JSON values; the configuration is left to `lynx show`."""
    content = asdict(replace(plan, config=None))  # type: ignore[arg-type]
    del content["config"]
    for stage, values in content["stages"].items():
        own = plan.stages[stage]
        values["trained_parts"] = sorted(values["trained_parts"])
        values["memory"]["total"] = own.memory.total
        values["flops"]["total"] = own.flops.total
        if own.probe is not None:
            values["probe"]["utilisation"] = own.probe.utilisation
    return content
