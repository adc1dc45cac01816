"""Puts the parts of Lynx together, from plain sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from transformers import LlamaForCausalLM

from lynx.model.adapters import Adapter, add_adapters
from lynx.model.lynx import LynxModel
from lynx.model.resampler import Resampler
from lynx.model.vision_encoder import VisionEncoder


def assemble(
    vision_encoder: VisionEncoder,
    language_model: LlamaForCausalLM,
    *,
    resampler: Mapping[str, int],
    adapter: Mapping[str, Any],
    num_frames: int,
    frame_position_std: float = 0.02,
    drawn: Callable[..., AbstractContextManager[None]] = lambda *_: nullcontext(),
) -> LynxModel:
    """Adds the new parts to the loaded ones.

    resampler, adapter: fields of `model.resampler` and `model.adapter`. drawn: a context in which
    a part's initial values are drawn, by the names of its random stream.
    """
    width = int(language_model.config.hidden_size)

    def build_adapter(layer: int) -> Adapter:
        with drawn("adapters", layer):
            bottleneck = width // adapter["bottleneck_divisor"]
            return Adapter(width=width, bottleneck=bottleneck, init=adapter["init"])

    with drawn("resampler"):
        own = Resampler(width=width, feature_width=vision_encoder.width, **resampler)
    add_adapters(
        language_model.model.layers, every_n_layers=adapter["every_n_layers"], build=build_adapter
    )
    with drawn("frame_positions"):
        return LynxModel(
            vision_encoder=vision_encoder,
            resampler=own,
            language_model=language_model,
            num_frames=num_frames,
            frame_position_std=frame_position_std,
        )
