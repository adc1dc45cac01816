"""Trains on samples that are hard on strategies, and keeps gradients and what the devices held."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.strategies import DeepSpeedStrategy
from safetensors.torch import save_file
from torch import Tensor, nn

from lynx.config.schema import Config
from lynx.data import build as data_build
from lynx.data.batch import Document, Failure
from lynx.data.micro_batches import MicroBatches
from lynx.data.text import IGNORED
from lynx.tracking.ranks import gathered
from lynx.training import run as training
from lynx.training.strategy import whole_trained_state

RECORDED_STEPS = 10  # of each stage, whose gradients are kept
CHECKPOINT_EVERY = 4  # steps; the weights there are kept too
GLOBAL_BATCH_SIZE = 8
ALL_TEXT, RANK_OF_TEXT, MUTE = 3, 5, 7  # steps of ten, see HardMicroBatches


class HardMicroBatches(MicroBatches):
    """Takes frames and targets away, by position alone, so that every split has the same samples.

    In every tenth step from ALL_TEXT on no sample has pictures; from RANK_OF_TEXT on those of the
    second of two ranks have none; from MUTE on the last quarter has no target.
    """

    def _document(self, position: int, failures: list[Failure]) -> Document:
        document = super()._document(position, failures)
        step, place = divmod(position, GLOBAL_BATCH_SIZE)
        kind = step % 10
        if kind == ALL_TEXT or (kind == RANK_OF_TEXT and place // 2 % 2):
            document = replace(document, frames=None)
        if kind == MUTE and place >= GLOBAL_BATCH_SIZE * 3 // 4:
            mute = replace(document.text, labels=[IGNORED] * len(document.text.labels))
            document = replace(document, text=mute)
        return document


class Recorder(L.Callback):
    """Keeps gradients, what each micro batch held, and how weights and optimizer state are held."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._gradients: dict[str, Tensor] = {}
        self._weights: dict[str, Tensor] = {}
        self._kept: set[str] = set()
        self._batches: list[dict[str, Any]] = []

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Note what the micro batch holds."""
        self._batches.append(
            {
                "step": trainer.global_step,
                "targets": batch.num_targets,
                "blank": batch.is_blank,
                "most_frames": int(batch.num_frames.max()),
            }
        )

    def on_before_optimizer_step(
        self, trainer: L.Trainer, pl_module: L.LightningModule, optimizer: Any
    ) -> None:
        """Keep the whole gradients of the step, before they are clipped."""
        step = trainer.global_step
        if step >= RECORDED_STEPS or not self._is_last_micro_batch(trainer):
            return
        for name, parameter in trained(pl_module).items():
            gradient = whole_gradient(trainer, parameter)
            assert gradient is not None, name
            self._gradients[f"{step}/{name}"] = gradient.detach().float().clone()

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        """Keep the weights where a checkpoint is due."""
        step = trainer.global_step
        if step % CHECKPOINT_EVERY == 0 and step and f"{step}" not in self._kept:
            self._kept.add(f"{step}")
            state = whole_trained_state(trainer, pl_module.model, inherited={})
            self._weights |= {f"{step}/{name}": tensor.clone() for name, tensor in state.items()}

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write it all, by rank zero."""
        facts = {"memory": gathered(held(trainer, pl_module)), "batches": gathered(self._batches)}
        if trainer.is_global_zero:
            self._folder.mkdir(parents=True, exist_ok=True)
            save_file(self._gradients, self._folder / "gradients.safetensors")
            save_file(self._weights, self._folder / "weights.safetensors")
            (self._folder / "facts.json").write_text(json.dumps(facts))

    def _is_last_micro_batch(self, trainer: L.Trainer) -> bool:
        """DeepSpeed's hook runs after every micro batch."""
        if not isinstance(trainer.strategy, DeepSpeedStrategy):
            return True
        return bool(trainer.strategy.deepspeed_engine.is_gradient_accumulation_boundary())


def trained(module: L.LightningModule) -> dict[str, nn.Parameter]:
    """The parameters that are trained, by their names in the model."""
    named = module.model.named_parameters()  # type: ignore[operator, union-attr]
    return {name: parameter for name, parameter in named if parameter.requires_grad}


def whole_gradient(trainer: L.Trainer, parameter: nn.Parameter) -> Tensor | None:
    """The step's gradient over all ranks, before clipping; every rank must ask."""
    if isinstance(trainer.strategy, DeepSpeedStrategy):
        from deepspeed.utils import safe_get_full_grad

        return safe_get_full_grad(parameter)
    return parameter.grad


def held(trainer: L.Trainer, module: L.LightningModule) -> dict[str, Any]:
    """What this rank holds: types of weights, elements and types of the optimizer's state."""
    parameters = list(module.model.parameters())  # type: ignore[operator, union-attr]
    optimizer: Any = trainer.optimizers[0]
    optimizer = getattr(optimizer, "optimizer", optimizer)  # of DeepSpeed's around it
    states = [one["exp_avg"] for one in optimizer.state.values()]
    return {
        "deepspeed": "deepspeed" in sys.modules,
        "frozen_dtypes": sorted({str(p.dtype) for p in parameters if not p.requires_grad}),
        "trained_dtypes": sorted({str(p.dtype) for p in parameters if p.requires_grad}),
        "trained_elements": sum(_size(p) for p in parameters if p.requires_grad),
        "local_elements": sum(getattr(p, "ds_tensor", p).numel() for p in parameters),
        "elements": sum(_size(p) for p in parameters),
        "master_dtypes": sorted({str(p.dtype) for p in optimizer.state}),
        "state_dtypes": sorted({str(one.dtype) for one in states}),
        "state_elements": sum(one.numel() for one in states),
    }


def _size(parameter: nn.Parameter) -> int:
    """Elements of the whole parameter; ZeRO-3 leaves a placeholder of none."""
    return int(getattr(parameter, "ds_numel", parameter.numel()))


def train_recorded(config: Config, catalog: Mapping[str, Path], *, resume: bool = False) -> None:
    """Train; what is recorded comes to `<output_dir>/recorded/<stage>`."""
    build = training.build_trainer
    folder = Path(config.tracking.output_dir) / "recorded"

    def build_and_record(config: Config, stage: str, *, root: Path) -> L.Trainer:
        trainer = build(config, stage, root=root)
        trainer.callbacks.append(Recorder(folder / stage))  # type: ignore[attr-defined]
        if config.hardware.strategy == "deepspeed":
            # Else ZeRO-3 would leave tensors as small as these whole on every rank.
            zero = trainer.strategy.config["zero_optimization"]  # type: ignore[attr-defined]
            zero["stage3_param_persistence_threshold"] = 0
        return trainer

    training.build_trainer, data_build.MicroBatches = build_and_record, HardMicroBatches  # type: ignore
    try:
        training.train(config, catalog=catalog, resume=resume)
    finally:
        training.build_trainer, data_build.MicroBatches = build, MicroBatches  # type: ignore
