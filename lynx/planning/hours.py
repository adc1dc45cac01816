"""Forecasts GPU-hours from operations, and what utilisation the paper's own hours mean."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lynx.config.schema import Config, StageConfig
from lynx.planning.facts_files import Gpu, paper_gpu, paper_stage
from lynx.planning.flops import StageFlops, stage_flops
from lynx.planning.load import Load
from lynx.planning.probe import ProbeResult
from lynx.planning.sizes import Sizes


@dataclass(frozen=True)
class StageHours:
    """Of a stage on devices of one kind; wall_hours with the configured number of them."""

    gpu_hours: float
    wall_hours: float
    samples_per_second: float  # of one device


def stage_hours(
    config: Config, stage: str, flops: StageFlops, *, gpu: Gpu, utilisation: float
) -> StageHours:
    """utilisation: share of the GPU's rate that needed operations come to (0 to 1)."""
    settings: StageConfig = getattr(config.stages, stage)
    speed = utilisation * gpu.flops_per_second / flops.total
    gpu_hours = settings.steps * settings.global_batch_size / speed / 3600
    devices = config.hardware.devices * config.hardware.num_nodes
    return StageHours(gpu_hours, gpu_hours / devices, speed)


def probed_hours(config: Config, stage: str, result: ProbeResult) -> StageHours:
    """From what a probe took; what devices say to each other is not in it."""
    settings: StageConfig = getattr(config.stages, stage)
    devices = config.hardware.devices * config.hardware.num_nodes
    micro_batches = settings.global_batch_size / (settings.micro_batch_size * devices)
    wall = settings.steps * (micro_batches * result.seconds + result.optimizer_seconds) / 3600
    samples = settings.steps * settings.global_batch_size
    return StageHours(wall * devices, wall, samples / (wall * devices * 3600))


def paper_utilisation(config: Config, stage: str, load: Load, sizes: Sizes) -> float:
    """What share of its GPUs' rate the paper's run of the stage used, by this variant's operations.

    Of the tokens that the paper counts, without padding.
    """
    facts = paper_stage(stage)
    flops = stage_flops(config, stage, load=replace(load, useful=1.0), sizes=sizes)
    seconds = facts.gpu_hours * 3600
    return flops.total * facts.samples / seconds / paper_gpu().flops_per_second
