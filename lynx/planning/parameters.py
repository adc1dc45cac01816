"""Counts parameters by part and stage, and those of the paper's count that aren't held here."""

from __future__ import annotations

from dataclasses import asdict

from lynx.config.schema import Config
from lynx.model.lynx import LynxModel
from lynx.model.parts import trainable_parts
from lynx.model.pretrained import shape_of
from lynx.planning.sizes import Sizes


def trained_parts(config: Config, stage: str) -> frozenset[str]:
    """Parts that the stage trains."""
    return trainable_parts(asdict(getattr(config.stages, stage).trainable))


def num_trained(config: Config, stage: str, sizes: Sizes) -> int:
    """Parameters that the stage trains, with position embeddings of the last stage's pictures."""
    parts = trained_parts(config, stage)
    return sum(count for part, count in sizes.parameters.items() if part in parts)


def num_interpolated(config: Config, model: LynxModel) -> int:
    """Position embeddings of the count that are interpolated, not held as parameters.

    The count has those of the last stage's pictures, as the release holds them; training keeps the
    checkpoint's own and interpolates them in every pass. 0 where both are of one size.
    """
    encoder = model.vision_encoder.config
    shape = shape_of(config.model.vision_encoder.checkpoint, key="model.vision_encoder.checkpoint")
    stored = shape.get("vision_config", shape).get("image_size", encoder.image_size)
    patches = [(size // encoder.patch_size) ** 2 for size in (encoder.image_size, stored)]
    return int((patches[0] - patches[1]) * encoder.hidden_size)
