"""The torchmetrics Metric behind the logged losses: of the current step and since the last log."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchmetrics import Metric


class MeanLosses(Metric):
    """Mean losses over targets: of the step, and per source since the last log.

    `compute` adds up the sums of all ranks, as torchmetrics does, and leaves each rank its own.
    Float64, on the device of the losses.
    """

    full_state_update = False
    step: Tensor  # (2,): loss, targets
    sources: Tensor  # (2, sources)

    def __init__(self, source_names: Sequence[str]) -> None:
        super().__init__()
        self.source_names = tuple(source_names)
        zeros = torch.zeros(2, len(self.source_names), dtype=torch.float64)
        self.add_state("step", zeros.sum(dim=1), dist_reduce_fx="sum")
        self.add_state("sources", zeros, dist_reduce_fx="sum")

    def update(self, losses: Tensor, source_ids: Tensor) -> None:
        """Count a micro batch: losses and source_ids (num_targets,)."""
        self.to(losses.device)
        both = torch.stack([losses.double(), torch.ones_like(losses, dtype=torch.float64)])
        self.step += both.sum(dim=1)
        self.sources.index_add_(1, source_ids, both)

    def compute(self) -> dict[str, float]:
        """What is logged, of all ranks; sources without a target are left out."""
        step_loss, step_targets = self.step.tolist()
        losses, targets = self.sources.tolist()
        named = zip(self.source_names, losses, targets, strict=True)
        return {
            "loss": step_loss / max(step_targets, 1),
            "loss_since_last_log": sum(losses) / max(sum(targets), 1),
            **{f"loss_of/{name}": loss / count for name, loss, count in named if count},
        }

    def end_step(self) -> None:
        """Begin the sums of the next step."""
        self.step = torch.zeros_like(self.step)

    def end_log(self) -> None:
        """Begin the sums of the next log."""
        self.sources = torch.zeros_like(self.sources)

    def own_sums(self) -> dict[str, Tensor]:
        """This rank's sums, for a checkpoint: a resumed run logs what another would."""
        return {"step": self.step.cpu().clone(), "sources": self.sources.cpu().clone()}

    def load(self, sums: Sequence[dict[str, Tensor]]) -> None:
        """Go on with the total of `sums`, each of which `own_sums` gave."""
        for name in ("step", "sources"):
            total = torch.stack([one[name] for one in sums]).sum(dim=0)
            setattr(self, name, total.to(self.device))
