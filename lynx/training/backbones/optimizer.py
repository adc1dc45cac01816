"""The optimizer of the tiny backbones: Muon for matrices, AdamW for the rest, one cosine."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn

WARMUP_STEPS = 50
FINAL_FACTOR = 0.02
GRADIENT_CLIP = 1.0


class BackboneOptimizer:
    """Muon brought the text look-ups three times as early as AdamW alone did (docs/log.md)."""

    def __init__(
        self,
        parameters: Iterable[tuple[str, nn.Parameter]],
        *,
        learning_rate: float,
        num_steps: int,
    ) -> None:
        """`parameters` are named; embeddings, heads, norms and biases go to AdamW."""
        matrices: list[nn.Parameter] = []
        others: list[nn.Parameter] = []
        for name, parameter in parameters:
            is_matrix = parameter.ndim == 2 and not ("embed" in name or "head" in name)
            (matrices if is_matrix else others).append(parameter)
        self._parameters = [*matrices, *others]
        self._optimizers = [
            torch.optim.Muon(
                matrices,
                lr=learning_rate,
                momentum=0.95,
                weight_decay=0.05,
                adjust_lr_fn="match_rms_adamw",
            ),
            torch.optim.AdamW(others, lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.0),
        ]
        self._learning_rate, self._num_steps, self._step = learning_rate, num_steps, 0

    def step(self) -> None:
        """Clip, update with the scheduled learning rate, and clear the gradients."""
        self._step += 1
        share = self._step / self._num_steps
        decay = FINAL_FACTOR + (1 - FINAL_FACTOR) * 0.5 * (1 + math.cos(math.pi * share))
        factor = min(1.0, self._step / WARMUP_STEPS) * decay
        nn.utils.clip_grad_norm_(self._parameters, GRADIENT_CLIP)
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self._learning_rate * factor
            optimizer.step()
            optimizer.zero_grad()
