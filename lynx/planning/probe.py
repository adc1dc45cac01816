"""Measures a stage's speed and memory: real steps of its model on random weights and batches."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from statistics import median

import torch
from torch import nn
from torch.optim import AdamW

from lynx.config.errors import LynxError
from lynx.config.schema import Config, StageConfig
from lynx.config.seeds import torch_seed
from lynx.data.batch import Batch
from lynx.model.attention import whole_row_attention
from lynx.model.build import DTYPES, frozen_parts, meta_model_of
from lynx.model.lynx import LynxModel
from lynx.model.parts import part_of
from lynx.planning.facts_files import gpu_called
from lynx.planning.flops import stage_flops
from lynx.planning.load import Load, stage_load
from lynx.planning.parameters import trained_parts
from lynx.planning.sizes import sizes_of
from lynx.planning.synthetic import load_of, synthetic_batch
from lynx.tracking.memory import peak_memory, release_memory, reset_peak_memory
from lynx.training.build import build_optimizer

_WARMUP = 3  # steps before the clock starts: caches fill, kernels are chosen


@dataclass(frozen=True)
class ProbeResult:
    """What steps of one micro batch on one device took.

    seconds: of a step's forward and backward pass; optimizer_seconds: of its update; both medians.
    A stage of more micro batches per step makes one update for all. peak_memory: bytes.
    flops_per_second: operations that training needs (`StageFlops.total`), in the passes' time.
    peak_flops: of the device's data sheet, else what a large product reaches.
    """

    stage: str
    device: str
    steps: int
    micro_batch_size: int
    seconds: float
    optimizer_seconds: float
    peak_memory: int
    flops_per_second: float
    peak_flops: float

    @property
    def utilisation(self) -> float:
        """Share of the device's rate (0 to 1)."""
        return self.flops_per_second / self.peak_flops

    @property
    def samples_per_second(self) -> float:
        """Of one device, the update left out."""
        return self.micro_batch_size / self.seconds


def probe(
    config: Config,
    stage: str,
    *,
    steps: int = 20,
    device: str = "cuda",
    load: Load | None = None,
    seed: int = 0,
) -> ProbeResult:
    """Make `steps` real steps of the stage on one device, after a few that don't count.

    The model is the variant's with random weights in the types that DDP holds them in; micro
    batches are of the variant's size and of the load's shape. LynxError where there is no such
    device, or it hasn't the memory.
    """
    settings: StageConfig = getattr(config.stages, stage)
    load = load or stage_load(config, stage)
    _start(config, device)
    try:
        return _measured(config, stage, steps=steps, device=device, load=load, seed=seed)
    except torch.OutOfMemoryError as error:
        raise LynxError(
            f"probe: stage {stage} with micro batches of {settings.micro_batch_size} samples "
            f"(stages.{stage}.micro_batch_size) doesn't fit into this device: {error}"
        ) from error
    finally:
        release_memory()


def random_model(config: Config, stage: str, *, device: str, seed: int = 0) -> LynxModel:
    """The variant's model with random weights on the device, ready to train the stage.

    Types are those of DDP: what no stage trains in hardware.frozen_dtype, the rest in float32.
    """
    model, hardware = meta_model_of(config), config.hardware
    for name, parameter in model.named_parameters():
        frozen = part_of(name) in frozen_parts(config)
        dtype = DTYPES[hardware.frozen_dtype] if frozen else torch.float32
        parameter.data = parameter.data.to(dtype)
    model.to_empty(device=device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_seed(seed, "probe"))
        _initialise(model)
    model.language_model.set_attn_implementation(hardware.attention)
    model.vision_encoder.model.set_attn_implementation(whole_row_attention(hardware.attention))
    for part in (model.vision_encoder.model, model.language_model):
        if hardware.gradient_checkpointing:
            part.activation_checkpointing_enable({"use_reentrant": False})
    model.set_trainable(trained_parts(config, stage))
    return model.train()


def device_name(device: str) -> str:
    """What the device is called."""
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else "CPU"


def peak_flops(config: Config, device: str) -> float:
    """Operations per second of the device, by its data sheet where that is known."""
    known = gpu_called(device_name(device)) if config.hardware.precision == "bf16" else None
    if known is not None:
        return known.flops_per_second
    return matmul_rate(device, dtype=DTYPES[config.hardware.precision])


def matmul_rate(device: str, *, dtype: torch.dtype = torch.bfloat16, width: int = 2048) -> float:
    """Operations per second of one large product on the device: what its peak is in practice."""
    left = torch.randn(width, width, device=device).to(dtype)
    times = []
    for _ in range(6):
        began = _now(device)
        left @ left
        times.append(_now(device) - began)
    return 2 * width**3 / min(times[1:])


def _measured(
    config: Config, stage: str, *, steps: int, device: str, load: Load, seed: int
) -> ProbeResult:
    settings: StageConfig = getattr(config.stages, stage)
    model = random_model(config, stage, device=device, seed=seed)
    vocabulary = model.language_model.config.vocab_size
    batches = [
        synthetic_batch(config, stage, load, vocabulary=vocabulary, number=number).to(device)
        for number in range(2)
    ]
    optimizer = build_optimizer(config, stage, model, fused=True)
    times = [
        _step(config, model, batches[number % 2], optimizer, device)
        for number in range(_WARMUP + steps)
    ]
    passes, updates = zip(*times[_WARMUP:], strict=True)
    counted = stage_flops(config, stage, load=load_of(batches), sizes=sizes_of(model))
    return ProbeResult(
        stage=stage,
        device=device_name(device),
        steps=steps,
        micro_batch_size=settings.micro_batch_size,
        seconds=median(passes),
        optimizer_seconds=median(updates),
        peak_memory=_peak(device),
        flops_per_second=counted.total * settings.micro_batch_size / median(passes),
        peak_flops=peak_flops(config, device),
    )


def _start(config: Config, device: str) -> None:
    """Begin a new peak of memory, with as many threads as a run takes."""
    if not device.startswith("cuda"):
        if config.hardware.threads:
            torch.set_num_threads(config.hardware.threads)
        reset_peak_memory()
        return
    if not torch.cuda.is_available():
        raise LynxError("probe: there is no GPU here; for a small variant give --device cpu")
    torch.cuda.reset_peak_memory_stats(device)


def _peak(device: str) -> int:
    return torch.cuda.max_memory_allocated(device) if device.startswith("cuda") else peak_memory()


def _initialise(model: LynxModel) -> None:
    """Small random weights; buffers as `transformers` makes them (rotary frequencies, numbers)."""
    for part in (model.vision_encoder.model, model.language_model):
        part.apply(part._init_weights)
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, std=0.02)
        else:
            nn.init.constant_(parameter, 0.0 if name.endswith("bias") else 1.0)


def _step(
    config: Config, model: LynxModel, batch: Batch, optimizer: AdamW, device: str
) -> tuple[float, float]:
    """Seconds of the passes and of the update."""
    began = _now(device)
    with _autocast(config, device):
        losses, _ = model(batch)
    (losses.sum() / batch.step_target_tokens).backward()
    passed = _now(device)
    optimizer.step()
    optimizer.zero_grad()
    return passed - began, _now(device) - passed


def _autocast(config: Config, device: str) -> AbstractContextManager[object]:
    """As Lightning's bf16-mixed."""
    if config.hardware.precision == "fp32":
        return nullcontext()
    return torch.autocast(device.partition(":")[0], dtype=torch.bfloat16)


def _now(device: str) -> float:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    return time.perf_counter()
