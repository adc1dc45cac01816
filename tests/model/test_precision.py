"""What a step computes in which precision, and that it makes no copies that it needn't."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from lynx.model.build import build_model
from lynx.model.lynx import LynxModel
from tests.tiny import TinyBatch, batch_of, document, tiny_config

NEW_PARTS = {"resampler", "frame_positions", "adapters"}


def model_with(tmp_path: Path, frozen_dtype: str) -> LynxModel:
    """No stage trains a backbone."""
    changes = {
        "hardware.frozen_dtype": frozen_dtype,
        "stages.resolution.trainable.vision_encoder": False,
    }
    model = build_model(tiny_config(tmp_path, changes), seed=0)
    model.set_trainable(NEW_PARTS)
    return model.train()


def batch() -> TinyBatch:
    return batch_of([[document(n, num_frames=frames) for n, frames in enumerate((1, 0, 3))]])


def test_the_head_sees_the_targets_alone_and_the_loss_is_float32(tmp_path: Path) -> None:
    model, shapes = model_with(tmp_path, "bf16"), []
    head = model.language_model.lm_head
    hook = head.register_forward_hook(lambda *call: shapes.append(call[-1].shape))
    made = batch()
    with torch.autocast("cpu", torch.bfloat16):
        losses, _ = model(made)
    hook.remove()
    num_targets = made.step_target_tokens
    assert shapes == [(num_targets, head.out_features)]
    assert num_targets < made.labels.numel() / 2
    assert losses.dtype == torch.float32 and losses.shape == (num_targets,)
    assert model.bfloat16()(made)[0].dtype == torch.float32


class Casts(TorchDispatchMode):
    """Names of the matrices among `weights` that an operation copies into another type.

    The tower's table of positions isn't one: it is interpolated in float32, and small.
    """

    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._names = {one.data_ptr(): name for name, one in weights.items() if one.ndim in (2, 4)}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.aten._to_copy.default and args[0].data_ptr() in self._names:
            self.found.add(self._names[args[0].data_ptr()])
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("frozen_dtype", ["bf16", "fp32"])
def test_a_step_casts_frozen_weights_only_where_they_are_held_in_float32(
    tmp_path: Path, frozen_dtype: str
) -> None:
    model = model_with(tmp_path, frozen_dtype)
    frozen = {name: p for name, p in model.named_parameters() if not p.requires_grad}
    with Casts(frozen) as casts:
        with torch.autocast("cpu", torch.bfloat16):
            losses, _ = model(batch())
        losses.sum().backward()
    assert bool(casts.found) == (frozen_dtype == "fp32")


def test_norms_and_rotary_angles_of_a_bfloat16_model_are_computed_in_float32(
    tmp_path: Path,
) -> None:
    inner = model_with(tmp_path, "bf16").language_model.model
    norm, rotary = inner.norm, inner.rotary_emb
    assert norm.weight.dtype == torch.bfloat16
    hidden = 100 * torch.randn(1, 5, 32, dtype=torch.bfloat16)
    wide = hidden.float()
    scaled = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + norm.variance_epsilon)
    assert torch.equal(norm(hidden), norm.weight * scaled.bfloat16())
    assert rotary.inv_freq.dtype == torch.float32
    cosines, _ = rotary(hidden, torch.tensor([[1001]]))  # bfloat16 has no odd number so large
    expected = (1001 * rotary.inv_freq).cos().repeat(2)
    torch.testing.assert_close(cosines[0, 0], expected.bfloat16())
