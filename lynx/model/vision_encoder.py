"""What all vision encoders have in common: pictures to features, sizes, stochastic depth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from lynx.config.errors import LynxError

KEY = "model.vision_encoder"


class VisionEncoder(nn.Module):
    """A vision tower of `transformers` that ends with the output of its last kept block.

    model: gives that output as `last_hidden_state`; what follows the block is no longer in it.
    """

    model: Any  # towers have nothing in common that a type could say

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model
        self.config: Any = model.config

    @property
    def width(self) -> int:
        """Size of a feature."""
        return int(self.config.hidden_size)

    @property
    def patch_size(self) -> int:
        """Side of a patch in pixels."""
        return int(self.config.patch_size)

    def check_image_size(self, size: int) -> None:
        """LynxError where the encoder can't read square pictures of `size` pixels."""
        if size % self.patch_size:
            raise LynxError(
                f"image size {size} is not a multiple of the patch size {self.patch_size}"
            )

    def forward(self, pixel_values: Tensor) -> Tensor:
        """Pictures (F, 3, S, S) -> features (F, N, width), CLS first where the tower has one.

        N: (S / patch size)^2 and the other tokens of the tower. Position embeddings are
        interpolated (bicubic) to the pictures' size; S is any multiple of the patch size.
        """
        self.check_image_size(pixel_values.shape[-1])
        features = self.model(pixel_values, **self._arguments()).last_hidden_state
        assert isinstance(features, Tensor)
        return features

    def _arguments(self) -> dict[str, Any]:
        """What the tower's forward is told beside the pictures."""
        return {"interpolate_pos_encoding": True}


def add_drop_path(blocks: Sequence[nn.Module], rate: float) -> None:
    """Stochastic depth on both branches of pre-norm blocks, rising linearly to `rate`."""
    for index, block in enumerate(blocks):
        own = rate * index / max(len(blocks) - 1, 1)
        if own:
            for branch in ("self_attn", "mlp"):
                block.get_submodule(branch).register_forward_hook(_DropPathHook(own))


def num_kept_blocks(num_blocks: int, feature_layer: int) -> int:
    """Blocks up to the one whose output is read; feature_layer counts from the end (-1)."""
    if not -num_blocks <= feature_layer <= -1:
        raise LynxError(
            f"{KEY}.feature_layer: {feature_layer}, but the checkpoint has {num_blocks} blocks; "
            f"give -1 (the last) to -{num_blocks}"
        )
    return num_blocks + feature_layer + 1


class _DropPathHook:
    """Zeroes a branch's output for a random share of the pictures while training."""

    def __init__(self, rate: float) -> None:
        self._rate = rate

    def __call__(self, module: nn.Module, inputs: Any, output: Any) -> Any:
        if not module.training:
            return output
        branch = output[0] if isinstance(output, tuple) else output
        kept = torch.rand(branch.shape[0], 1, 1, device=branch.device) >= self._rate
        branch = branch * (kept.to(branch.dtype) / (1 - self._rate))
        return (branch, *output[1:]) if isinstance(output, tuple) else branch
