"""One stage of training as a LightningModule: loss of a step, optimizer, checkpoint content."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import lightning as L
import torch
from lightning.pytorch.strategies import DeepSpeedStrategy
from torch import Tensor
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from lynx.config.errors import LynxError
from lynx.config.seeds import torch_seed
from lynx.data.batch import Batch
from lynx.model.lynx import LynxModel
from lynx.model.parts import part_of
from lynx.tracking.ranks import gathered
from lynx.training.losses import MeanLosses


def is_logged_step(trainer: L.Trainer, finished_steps: int) -> bool:
    """Whether step number `finished_steps` is logged: every n-th, the first and the last are."""
    every: int = trainer.log_every_n_steps  # type: ignore[attr-defined]
    return finished_steps % every == 0 or finished_steps in (1, trainer.max_steps)


class LynxTrainingModule(L.LightningModule):
    """Trains the trainable parts of a LynxModel for one stage.

    The loss of a step is the mean over all supervised tokens of the step, on all devices and in all
    micro batches, so that batch split, packing and number of devices don't change it.
    """

    strict_loading = False  # checkpoints hold the trained parts only
    losses: MeanLosses

    def __init__(
        self,
        model: LynxModel,
        *,
        stage: str,
        source_names: Sequence[str],
        make_optimizer: Callable[[LynxModel], tuple[AdamW, LambdaLR]],
        stage_key: str,
        seed: int,
        parent_key: str | None = None,
    ) -> None:
        """stage: its name. stage_key: its address; a checkpoint of another address is refused.

        parent_key: address of the stage before.
        """
        super().__init__()
        self.model = model
        self.__dict__["losses"] = MeanLosses(source_names)  # no sub-module: DeepSpeed casts those
        self.last_learning_rate = 0.0
        self.gradient_norm: Tensor | None = None  # of the last logged step, before clipping
        self._make_optimizer = make_optimizer
        self._stage, self._stage_key, self._parent_key = stage, stage_key, parent_key
        self._seed = seed

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The micro batch's share of the step's loss, as Lightning's averaging expects it.

        Lightning divides by the number of micro batches and averages gradients over devices; both
        are undone here, as the sum is divided by the tokens of the whole step.
        """
        losses, source_ids = self.model(batch)
        self.losses.update(losses.detach(), source_ids)
        # Filled on the device: a number that is copied there waits for the whole forward pass.
        tokens = losses.new_full((), float(batch.step_target_tokens))
        tokens = self.trainer.strategy.reduce(tokens, reduce_op="sum")
        parts = self.trainer.world_size * self.trainer.accumulate_grad_batches
        return losses.sum() * (parts / tokens.clamp(min=1.0))

    def configure_optimizers(self) -> Any:
        """AdamW and its schedule, stepped per optimizer step."""
        optimizer, schedule = self._make_optimizer(self.model)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def on_fit_start(self) -> None:
        """Refuse to average gradients of different stages: a process that rank zero starts decides
        by itself what to train, from the files as they are then."""
        if len(set(gathered(self._stage_key))) > 1:
            raise LynxError(
                "the processes of this run are about to train different stages: a file was "
                "changed, or another run left a stage, as they started; go on with --resume"
            )

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Stochastic depth draws from a stream of the position: a resumed run draws alike."""
        torch.manual_seed(torch_seed(self._seed, "step", batch_idx, self.global_rank))

    def on_before_optimizer_step(self, optimizer: Any) -> None:
        """Keep what the log needs of this step; DeepSpeed holds the gradient norm itself."""
        self.last_learning_rate = float(optimizer.param_groups[0]["lr"])
        logged = is_logged_step(self.trainer, self.trainer.global_step + 1)
        if isinstance(self.trainer.strategy, DeepSpeedStrategy) or not logged:
            return
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        self.gradient_norm = torch.nn.utils.get_total_norm(gradients)

    def read_gradient_norm(self) -> float | None:
        """Norm of the last step's gradient over all trained parameters."""
        if isinstance(self.trainer.strategy, DeepSpeedStrategy):
            norm = self.trainer.strategy.deepspeed_engine.get_global_grad_norm()
            return None if norm is None else float(norm)
        return None if self.gradient_norm is None else float(self.gradient_norm)

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:  # type: ignore[override]
        """Of the parts trained so far only: backbones stay where they were loaded from."""
        state: dict[str, Any] = super().state_dict(*args, **kwargs)
        prefix = f"{kwargs.get('prefix', '')}model."
        for name in list(state):
            if part_of(name.removeprefix(prefix)) not in self.model.trained_parts:
                del state[name]
        return state

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the stage's address, what one file of the weights needs (`consolidation.py`), and the
        sums behind the logged losses."""
        checkpoint["stage_key"] = self._stage_key
        checkpoint["trained"] = {
            "stage": self._stage,
            "parts": sorted(self.model.trained_parts),
            "identities": dict(self.model.identities),
            "parent": self._parent_key,
        }
        checkpoint["losses"] = gathered(self.losses.own_sums())

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse a checkpoint of another stage, recipe, model or seed."""
        if checkpoint["stage_key"] != self._stage_key:
            raise LynxError(
                "--resume: the checkpoint was written with other settings, weights or data than "
                "the stage has now; run without --resume to start the stage anew"
            )
        sums = checkpoint["losses"]
        if len(sums) == self.trainer.world_size:
            self.losses.load([sums[self.global_rank]])
        elif self.global_rank == 0:  # another number of ranks: one goes on with all sums
            self.losses.load(sums)
        self._recount_micro_batches(checkpoint)

    def _recount_micro_batches(self, checkpoint: dict[str, Any]) -> None:
        """Lightning counts micro batches, and a step may be split otherwise than it was."""
        done = checkpoint["global_step"] * self.trainer.accumulate_grad_batches
        progress = checkpoint["loops"]["fit_loop"]["epoch_loop.batch_progress"]
        for counts in (progress["total"], progress["current"]):
            counts.update(dict.fromkeys(counts, done))
