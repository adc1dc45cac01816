"""AdamW over the trained parts, and the learning rate over a stage (paper Table 8)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from lynx.model.parts import part_of


def parameter_groups(
    named_parameters: Iterable[tuple[str, nn.Parameter]],
    *,
    weight_decay: float,
    decay_norms_and_biases: bool,
) -> list[dict[str, Any]]:
    """Trainable parameters by part, matrices apart from norms, biases and scalars.

    The latter get no weight decay unless decay_norms_and_biases (the likely sense of the remark in
    Table 8's caption). Frame positions never do: most stages hold no video, and the release leaves
    them as they are there, while decay would shrink them.
    """
    groups: dict[tuple[str, bool], list[nn.Parameter]] = {}
    for name, parameter in named_parameters:
        if parameter.requires_grad:
            part = part_of(name)
            decays = part != "frame_positions" and (decay_norms_and_biases or parameter.ndim > 1)
            groups.setdefault((part, decays), []).append(parameter)
    return [
        {
            "name": part if decays else f"{part} without decay",
            "params": parameters,
            "weight_decay": weight_decay if decays else 0.0,
        }
        for (part, decays), parameters in groups.items()
    ]


def schedule_factor(
    step: int, *, steps: int, warmup_steps: int, warmup_start_factor: float, final_factor: float
) -> float:
    """Learning rate of optimizer step `step` (from 0) as a share of the peak.

    Rises linearly from warmup_start_factor to 1 over warmup_steps, then falls linearly towards
    final_factor, which it would reach at step `steps`.
    """
    if step < warmup_steps:
        return warmup_start_factor + (1 - warmup_start_factor) * step / warmup_steps
    remaining = max(steps - step, 0) / max(steps - warmup_steps, 1)
    return final_factor + (1 - final_factor) * remaining


def make_optimizer(
    named_parameters: Iterable[tuple[str, nn.Parameter]],
    *,
    learning_rate: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    decay_norms_and_biases: bool,
    fused: bool,
) -> AdamW:
    """AdamW over the trainable parameters."""
    groups = parameter_groups(
        named_parameters,
        weight_decay=weight_decay,
        decay_norms_and_biases=decay_norms_and_biases,
    )
    return AdamW(groups, lr=learning_rate, betas=betas, eps=eps, fused=fused)


def make_schedule(
    optimizer: AdamW,
    *,
    steps: int,
    warmup_ratio: float,
    warmup_start_factor: float,
    final_factor: float,
) -> LambdaLR:
    """`schedule_factor` as a scheduler that is stepped once per optimizer step."""

    def factor(step: int) -> float:
        return schedule_factor(
            step,
            steps=steps,
            warmup_steps=round(warmup_ratio * steps),
            warmup_start_factor=warmup_start_factor,
            final_factor=final_factor,
        )

    return LambdaLR(optimizer, factor)
