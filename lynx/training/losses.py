"""Keeps the sums behind the logged losses: of the current step and since the last log."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class LossSums:
    """Summed loss and number of targets: of the step, and per source since the last log.

    Float64 on the device of the losses. No module, since DeepSpeed would cast its buffers. The
    content goes into the checkpoint, so that a resumed run logs what an uninterrupted one would.
    """

    def __init__(self, source_names: Sequence[str]) -> None:
        self.source_names = tuple(source_names)
        self._step = torch.zeros(2, dtype=torch.float64)  # loss, targets
        self._sources = torch.zeros(2, len(self.source_names), dtype=torch.float64)

    @torch.no_grad()
    def add(self, losses: Tensor, source_ids: Tensor) -> None:
        """Count a micro batch: losses and source_ids (num_targets,)."""
        self._step, self._sources = self._step.to(losses.device), self._sources.to(losses.device)
        both = torch.stack([losses.detach().double(), torch.ones_like(losses, dtype=torch.float64)])
        self._step += both.sum(dim=1)
        self._sources.index_add_(1, source_ids, both)

    def end_step(self) -> None:
        """Begin the sums of the next step."""
        self._step.zero_()

    def packed(self) -> Tensor:
        """All sums as one tensor, which ranks add up in one go."""
        return torch.cat([self._step, self._sources.flatten()])

    def means(self, packed: Tensor) -> dict[str, float]:
        """What is logged, from the sums of all ranks; begins the sums of the next log."""
        step_loss, step_targets, *rest = packed.tolist()
        losses, targets = rest[: len(self.source_names)], rest[len(self.source_names) :]
        self._sources.zero_()
        named = zip(self.source_names, losses, targets, strict=True)
        return {
            "loss": step_loss / max(step_targets, 1),
            "loss_since_last_log": sum(losses) / max(sum(targets), 1),
            **{f"loss_of/{name}": loss / count for name, loss, count in named if count},
        }

    def load(self, packed: Tensor) -> None:
        """The inverse of `packed`."""
        self._step, sources = packed[:2].clone(), packed[2:].clone()
        self._sources = sources.unflatten(0, (2, len(self.source_names)))
