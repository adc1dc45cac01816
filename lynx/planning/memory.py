"""Forecasts the memory of a device in a stage, row by row, for DDP and each stage of ZeRO."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lynx.config.schema import Config, HardwareConfig, StageConfig
from lynx.model.build import frozen_parts, meta_model_of
from lynx.model.parts import PARTS
from lynx.planning.activations import kept_for_backward, passing, repeated_layer
from lynx.planning.facts_files import GIB
from lynx.planning.load import Load, stage_load
from lynx.planning.parameters import trained_parts
from lynx.planning.sizes import Sizes, sizes_of

_FP32, _BF16 = 4, 2  # bytes
_BUCKET = 200_000_000  # numbers; Lightning's default for reducing and for gathering
_LIVE = 1_000_000_000  # numbers that ZeRO-3 gathers at most; DeepSpeed's default
_LIBRARIES = {"gpu": round(1.5 * GIB), "cpu": round(0.5 * GIB)}  # CUDA and NCCL; Python and torch
STRATEGIES = ("ddp", "zero1", "zero2", "zero3")


@dataclass(frozen=True)
class StageMemory:
    """Bytes per device at the peak of a step, the backward pass's beginning."""

    rows: dict[str, int]

    @property
    def total(self) -> int:
        """Bytes per device."""
        return sum(self.rows.values())


def stage_memory(
    config: Config, stage: str, *, load: Load | None = None, sizes: Sizes | None = None
) -> StageMemory:
    """What a device holds in `config.stages.<stage>` under the configured strategy.

    load, sizes: by default the stage's and the variant's, which takes seconds to find out.
    What DeepSpeed or the allocator lose to gaps is not in it: leave a tenth of the device free.
    """
    load = load or stage_load(config, stage)
    sizes = sizes or sizes_of(meta_model_of(config))
    settings: StageConfig = getattr(config.stages, stage)
    kept = kept_for_backward(config, stage, load, sizes)
    rows = _weights(config, stage, sizes.parameters)
    rows |= {f"kept: {part}": size for part, size in kept.items()}
    rows["kept: a checkpointed layer"] = repeated_layer(config, stage, load, sizes)
    rows["passing tensors"] = passing(config, stage, load, sizes)
    rows["pictures"] = _pictures(settings, load)
    rows["libraries"] = _LIBRARIES[config.hardware.accelerator]
    return StageMemory({name: round(size) for name, size in rows.items()})


def by_strategy(
    config: Config, stage: str, *, load: Load, sizes: Sizes
) -> dict[str, dict[str, int]]:
    """Bytes per device, by strategy, `without` and `with` gradient checkpointing."""
    found: dict[str, dict[str, int]] = {}
    for name in STRATEGIES:
        found[name] = {}
        for word, is_checkpointed in (("without", False), ("with", True)):
            hardware = replace(config.hardware, gradient_checkpointing=is_checkpointed)
            other = replace(config, hardware=_with_strategy(hardware, name))
            found[name][word] = stage_memory(other, stage, load=load, sizes=sizes).total
    return found


def configured_strategy(config: Config) -> str:
    """The strategy of the configuration, as `by_strategy` names it; `single` is none of those."""
    hardware = config.hardware
    return f"zero{hardware.zero_stage}" if hardware.strategy == "deepspeed" else hardware.strategy


def _with_strategy(hardware: HardwareConfig, name: str) -> HardwareConfig:
    if name == "ddp":
        return replace(hardware, strategy="ddp")
    zero_stage = STRATEGIES.index(name)
    return replace(hardware, strategy="deepspeed", zero_stage=zero_stage)  # type: ignore[arg-type]


def _weights(config: Config, stage: str, counts: dict[str, int]) -> dict[str, float]:
    """Weights, gradients and the optimizer's state."""
    trained = trained_parts(config, stage)
    num_trained = sum(count for part, count in counts.items() if part in trained)
    if config.hardware.strategy == "deepspeed":
        return _deepspeed(config, num_trained, sum(counts.values()) - num_trained)
    held = _held(config)
    frozen = sum(count * held[part] for part, count in counts.items() if part not in trained)
    is_spread = config.hardware.strategy == "ddp"
    return {
        "frozen weights": frozen,
        "trained weights": _FP32 * num_trained,
        "copies for autocast": _copies(config, stage, counts),
        "gradients": _FP32 * num_trained,
        "gradient buckets": _FP32 * num_trained if is_spread else 0,
        "Adam's moments": 2 * _FP32 * num_trained,
    }


def _held(config: Config) -> dict[str, int]:
    """Bytes of a weight of each part: only what no stage trains is held in less than float32."""
    is_narrow = config.hardware.frozen_dtype == "bf16"
    narrow = frozen_parts(config) if is_narrow else frozenset()
    return {part: _BF16 if part in narrow else _FP32 for part in PARTS}


def _copies(config: Config, stage: str, counts: dict[str, int]) -> float:
    """Autocast keeps a bfloat16 copy of a trained weight until the step ends, and of a frozen one
    for as long as a gradient goes through it: in a checkpointed layer not for long."""
    if config.hardware.precision == "fp32":
        return 0.0
    kept = set(trained_parts(config, stage))
    if _held(config)["language_model"] == _FP32 and not config.hardware.gradient_checkpointing:
        kept.add("language_model")
    return _BF16 * sum(counts[part] for part in kept)


def _deepspeed(config: Config, trained: int, frozen: int) -> dict[str, float]:
    """ZeRO splits over devices the optimizer's state (1), gradients too (2), weights too (3)."""
    hardware = config.hardware
    devices = hardware.devices * hardware.num_nodes
    size = _FP32 if hardware.precision == "fp32" else _BF16
    share = {stage: devices if hardware.zero_stage >= stage else 1 for stage in (1, 2, 3)}
    is_offloaded = hardware.offload
    weights = 0 if is_offloaded and hardware.zero_stage == 3 else size / share[3]
    gathered = min(_LIVE, trained + frozen) if hardware.zero_stage == 3 else min(_BUCKET, trained)
    state = 0 if is_offloaded else _FP32 / share[1]
    master = state if hardware.precision != "fp32" else 0
    return {
        "frozen weights": frozen * weights,
        "trained weights": trained * weights,
        "gathered weights": size * gathered,
        "gradients": size * trained / (1 if hardware.zero_stage == 1 else share[2]),
        "gradient buckets": 2 * size * min(_BUCKET, trained),  # two, as communication overlaps
        "master weights": master * trained,
        "Adam's moments": 2 * state * trained,
    }


def _pictures(settings: StageConfig, load: Load) -> float:
    """A micro batch's, float32."""
    return settings.micro_batch_size * load.frames * 3 * _FP32 * settings.image_size**2
