"""How a stage is spread over devices: one process, DDP or DeepSpeed ZeRO (GPUs and CPUs)."""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from collections.abc import Mapping
from datetime import timedelta
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.accelerators import CPUAccelerator
from lightning.pytorch.plugins import DeepSpeedPrecision
from lightning.pytorch.strategies import DDPStrategy, DeepSpeedStrategy, Strategy
from torch import Tensor

from lynx.config.errors import LynxError
from lynx.model.lynx import LynxModel
from lynx.training.zero_checkpoint import check_written_by_zero, num_ranks, write_universal

_PATIENCE = timedelta(hours=3)  # the other ranks wait while rank zero asks a served judge


class LynxDeepSpeedPrecision(DeepSpeedPrecision):
    """Leaves batches as they are: the model casts pictures itself, and batches are immutable."""

    def convert_input(self, data: Any) -> Any:
        """The batch itself."""
        return data


class LynxDeepSpeedStrategy(DeepSpeedStrategy):
    """Lightning's DeepSpeed strategy, on CPUs too, with gradient scaling and saving repaired."""

    def setup_environment(self) -> None:
        """As the parent's, without its check for CUDA."""
        if isinstance(self.accelerator, CPUAccelerator):
            # DeepSpeed wants numbered devices; a tensor put on cpu:1 is on the CPU all the same.
            assert self.parallel_devices is not None
            numbers = range(len(self.parallel_devices))
            self.parallel_devices = [torch.device("cpu", number) for number in numbers]
        super(DeepSpeedStrategy, self).setup_environment()

    def _init_deepspeed_distributed(self) -> None:
        if isinstance(self.accelerator, CPUAccelerator):
            os.environ["DS_ACCELERATOR"] = "cpu"
            import_module("deepspeed.comm")

            # It would compile an extension for a minute, and fail without ninja on the PATH. Found
            # by its name: the attribute `deepspeed.comm.torch` is the torch package itself.
            sys.modules["deepspeed.comm.torch"].build_shm_op = lambda: None  # type: ignore[attr-defined]
        super()._init_deepspeed_distributed()

    def backward(self, closure_loss: Tensor, optimizer: Any, *args: Any, **kwargs: Any) -> Tensor:
        """Lightning has divided by the number of micro batches; the engine must not do it again."""
        return super().backward(closure_loss, optimizer, *args, scale_wrt_gas=False, **kwargs)

    def load_checkpoint(
        self, checkpoint_path: Any, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """As the parent's; what another number of processes has written is rearranged first.

        LynxError for what another strategy, or the other kind of ZeRO, has written.
        """
        path = Path(checkpoint_path)
        check_written_by_zero(path, splits_weights=self.zero_stage_3)
        if num_ranks(path) == self.world_size:
            return super().load_checkpoint(path, weights_only)
        universal = path.with_name(f".{path.name}.universal.tmp")
        if self.is_global_zero:
            write_universal(path, universal)
        self.barrier()
        engine = self.deepspeed_engine
        engine._config.load_universal_checkpoint = True
        # ZeRO-3 would give the first group's settings, such as its weight decay, to all groups, and
        # one counter of steps, which each group then advances.
        adamw = engine.optimizer.optimizer
        groups = adamw.param_groups
        loaded = ("params", "lr")
        kept = [{k: v for k, v in group.items() if k not in loaded} for group in groups]
        try:
            state = super().load_checkpoint(universal, weights_only)
        finally:
            engine._config.load_universal_checkpoint = False
        for group, settings in zip(groups, kept, strict=True):
            group.update(settings)
        for one in adamw.state.values():
            one["step"] = torch.as_tensor(one["step"], dtype=torch.float32).clone()
        self.barrier()
        if self.is_global_zero:
            shutil.rmtree(universal)
        return state

    def save_checkpoint(
        self, checkpoint: dict[str, Any], filepath: Any, storage_options: Any = None
    ) -> None:
        """Write the folder beside its place and rename it: DeepSpeed writes it file by file."""
        target = Path(self.broadcast(filepath))
        temporary = target.with_name(f".{target.name}.tmp")
        if self.is_global_zero:
            shutil.rmtree(temporary, ignore_errors=True)
        self.barrier()
        super().save_checkpoint(checkpoint, temporary, storage_options)
        self.barrier()
        if self.is_global_zero:
            temporary.rename(target)
        self.barrier()


def make_strategy(*, name: str, accelerator: str, zero_stage: int, offload: bool) -> Strategy | str:
    """The strategy called `single`, `ddp` or `deepspeed`."""
    backend = "gloo" if accelerator == "cpu" else "nccl"
    if name == "single":
        return "auto"
    if name == "ddp":
        return DDPStrategy(process_group_backend=backend, timeout=_PATIENCE)
    if find_spec("deepspeed") is None:
        raise LynxError(
            "hardware.strategy: deepspeed is not installed; "
            "`pip install -c constraints.txt -e '.[deepspeed]'`, or choose ddp"
        )
    if accelerator == "cpu":
        os.environ.setdefault("DS_ACCELERATOR", "cpu")  # silences a line per process
    warnings.filterwarnings("ignore", category=FutureWarning, module="torch.distributed")
    strategy = LynxDeepSpeedStrategy(
        stage=zero_stage,
        offload_optimizer=offload,
        offload_parameters=offload and zero_stage == 3,
        process_group_backend=backend,
        timeout=_PATIENCE,
        exclude_frozen_parameters=True,
    )
    assert isinstance(strategy.config, dict)
    # DeepSpeed would refuse to offload for an optimizer that isn't its own, compiled one.
    strategy.config["zero_force_ds_cpu_optimizer"] = False
    return strategy


def whole_trained_state(
    trainer: L.Trainer, model: LynxModel, *, inherited: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The trained tensors whole and in full precision; every rank must call it.

    inherited: tensors of parts that earlier stages trained and this one doesn't. They are taken as
    they were, since DeepSpeed casts and splits what it holds.
    """
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    if isinstance(trainer.strategy, DeepSpeedStrategy):
        from deepspeed.utils import safe_get_full_fp32_param

        whole = {name: safe_get_full_fp32_param(p) for name, p in trained.items()}
    else:
        whole = {name: parameter.detach() for name, parameter in trained.items()}
    return {**{name: t for name, t in inherited.items() if name not in whole}, **whole}
