"""Train the desk's vision transformer of EVA-CLIP-g's shape, patch by patch at 56 pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor, nn
from transformers import Blip2VisionConfig, Blip2VisionModel

from lynx.config.seeds import python_random, torch_seed
from lynx.training.backbones.optimizer import BackboneOptimizer
from lynx.training.backbones.views import (
    IGNORED,
    LETTERS,
    NUM_CLASSES,
    PATCH_LABELS,
    draw_labelled_views,
)

IMAGE_SIZE = 56  # pixels: the desk's low resolution
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
CONFIG: dict[str, Any] = dict(
    hidden_size=192,
    intermediate_size=832,  # 4.36 times the width, as EVA-CLIP-g
    num_hidden_layers=6,
    num_attention_heads=6,
    image_size=IMAGE_SIZE,
    patch_size=14,
    qkv_bias=True,
    hidden_act="gelu",
    initializer_range=0.02,  # the class's default of 1e-10 never starts to learn
    attn_implementation="eager",
)
LEARNING_RATE = 2.0e-3
PICTURES_PER_STEP, VIEWS_PER_PICTURE = 64, 2
LOSS_WEIGHTS = {"word": 2.0, "letters": 20.0, "column": 0.5, "row": 0.5}


class PatchHeads(nn.Module):
    """Linear heads on the features; they are thrown away after training."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        sizes = {**NUM_CLASSES, "letters": len(LETTERS)}
        self.heads = nn.ModuleDict({name: nn.Linear(hidden_size, n) for name, n in sizes.items()})

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        """`features` (views, 1 + patches, width) -> logits by label."""
        is_patch = {*PATCH_LABELS, "letters"}
        return {
            name: head(features[:, 1:] if name in is_patch else features[:, 0])
            for name, head in self.heads.items()
        }


def train_vision_encoder(
    *, seed: int, num_steps: int, report: Callable[[int, dict[str, float]], None]
) -> Blip2VisionModel:
    """Train from nothing; `report(step, losses)` is called after every step."""
    torch.manual_seed(torch_seed(seed, "backbones", "vision_encoder"))
    encoder = Blip2VisionModel(Blip2VisionConfig(**CONFIG))
    heads = PatchHeads(CONFIG["hidden_size"])
    named = [*encoder.named_parameters(), *heads.named_parameters()]
    named = [(name, p) for name, p in named if "post_layernorm" not in name]
    optimizer = BackboneOptimizer(named, learning_rate=LEARNING_RATE, num_steps=num_steps)
    rng = python_random(seed, "backbones", "views")
    encoder.train()
    for step in range(1, num_steps + 1):
        pixels, labels = draw_labelled_views(
            rng,
            num_pictures=PICTURES_PER_STEP,
            views_per_picture=VIEWS_PER_PICTURE,
            size=IMAGE_SIZE,
            split="train",
        )
        with torch.autocast("cpu", torch.bfloat16):
            logits = heads(encode(encoder, normalise(pixels)))
        losses = {name: _loss(name, logits[name].float(), labels[name]) for name in logits}
        total = sum(LOSS_WEIGHTS.get(name, 1.0) * loss for name, loss in losses.items())
        assert isinstance(total, Tensor)
        total.backward()
        optimizer.step()
        report(step, {name: loss.item() for name, loss in losses.items()})
    return encoder.eval()


def encode(encoder: Blip2VisionModel, pixel_values: Tensor) -> Tensor:
    """Features (views, 1 + patches, width) of the last block: CLS kept, no final norm."""
    hidden = encoder.embeddings(pixel_values, interpolate_pos_encoding=True)
    return encoder.encoder(inputs_embeds=hidden).last_hidden_state


def normalise(pixels: np.ndarray) -> Tensor:
    """uint8 (n, size, size, 3) -> float (n, 3, size, size) with CLIP's mean and deviation."""
    scaled = torch.from_numpy(pixels.copy()).float() / 255.0
    return ((scaled - torch.tensor(MEAN)) / torch.tensor(STD)).permute(0, 3, 1, 2)


def _loss(name: str, logits: Tensor, labels: np.ndarray) -> Tensor:
    target = torch.from_numpy(labels)
    if name == "letters":
        known = ~target.isnan()
        return functional.binary_cross_entropy_with_logits(logits[known], target[known])
    return functional.cross_entropy(
        logits.reshape(-1, logits.shape[-1]), target.reshape(-1), ignore_index=IGNORED
    )
