"""EVA-CLIP-g's shape: BLIP-2's vision model without its final norm and without key biases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isqrt
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn import functional
from transformers import Blip2VisionConfig, Blip2VisionModel

from lynx.config.errors import LynxError
from lynx.model.vision_encoder import VisionEncoder, add_drop_path, num_kept_blocks

MODEL_TYPE = "blip_2_vision_model"
_POSITIONS = "embeddings.position_embedding"


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


class EvaEncoder(VisionEncoder):
    """Patches of 14 pixels and a CLS token through pre-norm blocks, to the raw residual stream.

    Paper 2.1; dimensions of the paper's encoder are the defaults of `Blip2VisionConfig`.
    """

    def __init__(
        self, config: Blip2VisionConfig, *, drop_path_rate: float = 0.0, feature_layer: int = -1
    ) -> None:
        # The default of 1e-10 is for weights that are loaded: from scratch nothing would be learnt.
        config.initializer_range = 0.02
        num_blocks = config.num_hidden_layers
        config.num_hidden_layers = num_kept_blocks(num_blocks, feature_layer)
        super().__init__(Blip2VisionModel(config))
        self._unread_blocks = range(config.num_hidden_layers, num_blocks)
        self.model.add_module("post_layernorm", nn.Identity())
        blocks = [*self.model.encoder.layers]
        for block in blocks:
            block.get_submodule("self_attn").add_module("qkv", FusedQkv(config.hidden_size))
        add_drop_path(blocks, drop_path_rate)

    def load_blip2_weights(self, path: Path, *, dtype: torch.dtype) -> None:
        """Take the weights of a `Blip2VisionModel`, tensor by tensor, as `dtype`.

        Position embeddings stay float32 whatever `dtype`: as in the release, they are interpolated
        to the pictures' size in float32, and only the result is rounded.
        """
        expected = {name: tensor.shape for name, tensor in self.model.state_dict().items()}
        own = {
            name: tensor.to(torch.float32 if name == _POSITIONS else dtype)
            for name, tensor in _own_tensors(path, unread_blocks=self._unread_blocks)
        }
        wrong = sorted(
            set(expected) ^ set(own)
            | {name for name in expected.keys() & own.keys() if expected[name] != own[name].shape}
        )
        if wrong:
            raise LynxError(
                f"{path}: {len(wrong)} tensors are missing, unknown or of another shape than "
                f"config.json says, such as {wrong[0]}; a Blip2VisionModel's weights are needed"
            )
        self.model.load_state_dict(own, assign=True)

    def make_room_for_positions(self, num_positions: int) -> None:
        """Position embeddings for as many tokens (CLS included) as a checkpoint brings.

        The authors' is trained on 420 px and holds 30 x 30, where EVA's own are 16 x 16. What is
        built from the configuration afterwards (an export) has a table of the same size.
        """
        embeddings = self.model.embeddings
        table = embeddings.position_embedding
        if table.shape[1] != num_positions:
            room = table.new_zeros(1, num_positions, table.shape[2])
            embeddings.position_embedding = nn.Parameter(room, requires_grad=table.requires_grad)
            self.config.image_size = isqrt(num_positions - 1) * self.patch_size


def eva_config(settings: Mapping[str, Any], *, attention: str) -> Blip2VisionConfig:
    """The configuration from the content of a `config.json`."""
    known = {key: value for key, value in settings.items() if key != "model_type"}
    return Blip2VisionConfig(**{**known, "attn_implementation": attention})


def _own_tensors(path: Path, *, unread_blocks: range) -> Iterator[tuple[str, Tensor]]:
    """The file's tensors by our names, one at a time; without the final norm and unread blocks."""
    unread = ("post_layernorm.", *(f"encoder.layers.{index}." for index in unread_blocks))
    try:
        with safe_open(path, framework="pt", backend="pread") as file:
            for name in file.keys():  # noqa: SIM118 (a file)
                if name.startswith(unread):
                    continue
                tensor = file.get_tensor(name)
                if not name.endswith("self_attn.qkv.bias"):
                    yield name, tensor
                    continue
                q_bias, _, v_bias = tensor.chunk(3)
                yield f"{name.removesuffix('bias')}q_bias", q_bias.clone()
                yield f"{name.removesuffix('bias')}v_bias", v_bias.clone()
    except (OSError, SafetensorError) as error:
        raise LynxError(f"{path}: not readable as safetensors: {error}") from error
