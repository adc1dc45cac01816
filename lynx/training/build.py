"""Builds what trains a stage from a configuration: Lightning's trainer and our module."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import lightning as L
from lightning.fabric.plugins.environments import ClusterEnvironment
from lightning.pytorch.plugins.environments import LightningEnvironment, SLURMEnvironment
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from lynx.config.schema import Config
from lynx.model.lynx import LynxModel
from lynx.model.parts import trainable_parts
from lynx.tracking.ranks import started_by
from lynx.training.checkpoint_io import AtomicCheckpointIO
from lynx.training.module import LynxTrainingModule
from lynx.training.optim import make_optimizer, make_schedule
from lynx.training.strategy import LynxDeepSpeedPrecision, make_strategy

PRECISIONS: dict[str, Literal["32-true", "bf16-mixed"]] = {"fp32": "32-true", "bf16": "bf16-mixed"}


def accumulation(config: Config, stage: str) -> int:
    """Micro batches per device and optimizer step."""
    settings, hardware = getattr(config.stages, stage), config.hardware
    samples = settings.micro_batch_size * hardware.devices * hardware.num_nodes
    return int(settings.global_batch_size // samples)


def build_trainer(config: Config, stage: str, *, root: Path) -> L.Trainer:
    """A trainer for one stage, without callbacks and loggers."""
    hardware = config.hardware
    is_deepspeed = hardware.strategy == "deepspeed"
    precision = PRECISIONS[hardware.precision]
    return L.Trainer(
        accelerator=hardware.accelerator,
        devices=hardware.devices,
        num_nodes=hardware.num_nodes,
        strategy=make_strategy(
            name=hardware.strategy,
            accelerator=hardware.accelerator,
            zero_stage=hardware.zero_stage,
            offload=hardware.offload,
        ),
        # DeepSpeed writes folders of its own; its strategy sees to their atomicity.
        precision=None if is_deepspeed else precision,
        plugins=[
            LynxDeepSpeedPrecision(precision) if is_deepspeed else AtomicCheckpointIO(),
            *_cluster(),
        ],
        max_epochs=-1,
        max_steps=getattr(config.stages, stage).steps,
        accumulate_grad_batches=accumulation(config, stage),
        gradient_clip_val=config.optimizer.gradient_clip,
        log_every_n_steps=config.tracking.log_every_n_steps,
        default_root_dir=root,
        use_distributed_sampler=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        logger=False,
    )


def _cluster() -> list[ClusterEnvironment]:
    """SLURM's processes, where it has started them, without Lightning's way to requeue a job.

    That one saves wherever a signal interrupts the step; `StopOnSignal` waits for the step's end.
    Lightning's own choice would be SLURM's one process wherever SLURM_NTASKS is set.
    """
    starter = started_by()
    if starter == "srun":
        return [SLURMEnvironment(auto_requeue=False)]
    return [LightningEnvironment()] if starter is None and "SLURM_NTASKS" in os.environ else []


def build_optimizer(config: Config, stage: str, model: LynxModel, *, fused: bool) -> AdamW:
    """AdamW over what the stage trains, as the configuration has it."""
    optimizer = config.optimizer
    return make_optimizer(
        model.named_parameters(),
        learning_rate=getattr(config.stages, stage).learning_rate,
        betas=optimizer.betas,
        eps=optimizer.eps,
        weight_decay=optimizer.weight_decay,
        decay_norms_and_biases=optimizer.decay_norms_and_biases,
        fused=fused,
    )


def build_module(
    config: Config,
    stage: str,
    *,
    model: LynxModel,
    source_names: Sequence[str],
    key: str,
    parent_key: str | None = None,
) -> LynxTrainingModule:
    """The stage's module; sets which parts of `model` are trained."""
    settings, optimizer = getattr(config.stages, stage), config.optimizer
    model.set_trainable(trainable_parts(asdict(settings.trainable)))

    def optimizer_and_schedule(model: LynxModel) -> tuple[AdamW, LambdaLR]:
        # Lightning refuses to clip around a fused step, and DeepSpeed wraps the plain one.
        plain = optimizer.gradient_clip is not None or config.hardware.strategy == "deepspeed"
        adamw = build_optimizer(config, stage, model, fused=not plain)
        schedule = make_schedule(
            adamw,
            steps=settings.steps,
            warmup_ratio=optimizer.warmup_ratio,
            warmup_start_factor=optimizer.warmup_start_factor,
            final_factor=optimizer.final_factor,
        )
        return adamw, schedule

    return LynxTrainingModule(
        model,
        stage=stage,
        source_names=source_names,
        make_optimizer=optimizer_and_schedule,
        stage_key=key,
        seed=config.seed,
        parent_key=parent_key,
    )
