"""The vision encoder: EVA-CLIP-g's shape, that is BLIP-2's vision model without its final norm."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional
from transformers import Blip2VisionConfig, Blip2VisionModel

from lynx.config.errors import LynxError


class FusedQkv(nn.Module):
    """Query, key and value projection with EVA's biases: queries and values have one, keys none.

    A bias on the keys shifts all scores of a query alike and so changes nothing, but AdamW would
    let it drift on rounding noise.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(3 * width, width))
        self.q_bias = nn.Parameter(torch.zeros(width))
        self.v_bias = nn.Parameter(torch.zeros(width))
        nn.init.trunc_normal_(self.weight, std=0.02)

    def forward(self, hidden: Tensor) -> Tensor:
        """(..., width) -> (..., 3 * width)."""
        bias = torch.cat([self.q_bias, torch.zeros_like(self.q_bias), self.v_bias])
        return functional.linear(hidden, self.weight, bias)


class VisionEncoder(nn.Module):
    """Patches of 14 pixels and a CLS token through pre-norm blocks, to the raw residual stream.

    Paper 2.1; dimensions of the paper's encoder are the defaults of `Blip2VisionConfig`.
    """

    def __init__(self, config: Blip2VisionConfig, *, drop_path_rate: float = 0.0) -> None:
        super().__init__()
        # The default of 1e-10 is for weights that are loaded: from scratch nothing would be learnt.
        config.initializer_range = 0.02
        self.config = config
        self.model = Blip2VisionModel(config)
        self.model.add_module("post_layernorm", nn.Identity())
        for layer in self.model.encoder.layers:
            layer.get_submodule("self_attn").add_module("qkv", FusedQkv(config.hidden_size))
        self._add_drop_path(drop_path_rate)

    @property
    def width(self) -> int:
        """Size of a feature."""
        return int(self.config.hidden_size)

    def forward(self, pixel_values: Tensor) -> Tensor:
        """Pictures (F, 3, S, S) -> features (F, 1 + (S / patch)^2, width), CLS first.

        Position embeddings are interpolated (bicubic) to the pictures' size; S is any multiple of
        the patch size.
        """
        patch, size = self.model.embeddings.patch_size, pixel_values.shape[-1]
        assert isinstance(patch, int)
        if size % patch:
            raise LynxError(f"image size {size} is not a multiple of the patch size {patch}")
        return self.model(pixel_values, interpolate_pos_encoding=True).last_hidden_state

    def load_blip2_weights(self, weights: Mapping[str, Tensor], *, origin: str) -> None:
        """Take the weights of a `Blip2VisionModel`, as float32; `origin` is named in errors."""
        own: dict[str, Tensor] = {}
        for name, tensor in weights.items():
            if name.endswith("self_attn.qkv.bias"):
                own[f"{name.removesuffix('bias')}q_bias"] = tensor.chunk(3)[0].float()
                own[f"{name.removesuffix('bias')}v_bias"] = tensor.chunk(3)[2].float()
            elif not name.startswith("post_layernorm."):
                own[name] = tensor.float()
        expected = {name: tensor.shape for name, tensor in self.model.state_dict().items()}
        wrong = sorted(
            set(expected) ^ set(own)
            | {name for name in expected.keys() & own.keys() if expected[name] != own[name].shape}
        )
        if wrong:
            raise LynxError(
                f"{origin}: {len(wrong)} tensors are missing, unknown or of another shape than "
                f"config.json says, such as {wrong[0]}; a Blip2VisionModel's weights are needed"
            )
        self.model.load_state_dict(own, assign=True)

    def _add_drop_path(self, rate: float) -> None:
        """Stochastic depth on both branches of every block, rising linearly to `rate`."""
        layers = self.model.encoder.layers
        for index, layer in enumerate(layers):
            own = rate * index / max(len(layers) - 1, 1)
            if own:
                for branch in ("self_attn", "mlp"):
                    layer.get_submodule(branch).register_forward_hook(_DropPathHook(own))


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


def vision_config(settings: Mapping[str, Any], *, attention: str) -> Blip2VisionConfig:
    """The configuration from the content of a `config.json`."""
    known = {key: value for key, value in settings.items() if key != "model_type"}
    return Blip2VisionConfig(**{**known, "attn_implementation": attention})


def load_vision_encoder(
    folder: Path, *, attention: str, drop_path_rate: float = 0.0
) -> VisionEncoder:
    """The encoder in `folder` (config.json and model.safetensors, float16 or wider), as float32."""
    config_path, weights_path = folder / "config.json", folder / "model.safetensors"
    for path in (config_path, weights_path):
        if not path.is_file():
            raise LynxError(
                f"model.vision_encoder.checkpoint: {path} is missing; the folder needs config.json "
                "and model.safetensors of a Blip2VisionModel"
            )
    config = vision_config(json.loads(config_path.read_text()), attention=attention)
    with torch.device("meta"):  # the weights come from the file; drawing random ones takes minutes
        encoder = VisionEncoder(config, drop_path_rate=drop_path_rate)
    try:
        weights = load_file(weights_path)
    except SafetensorError as error:
        raise LynxError(f"{weights_path}: not readable as safetensors: {error}") from error
    encoder.load_blip2_weights(weights, origin=str(weights_path))
    return encoder
