"""Train the desk's vision transformer of EVA-CLIP-g's shape, patch by patch, at 56 pixels first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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
SHARP_SIZE = 112  # pixels: the desk's high resolution, the one that pictures are drawn at
PICTURES_PER_STEP, VIEWS_PER_PICTURE = 64, 2
LOSS_WEIGHTS = {"word": 2.0, "whole_word": 2.0, "letters": 20.0, "column": 0.5, "row": 0.5}


@dataclass(frozen=True)
class EncoderLesson:
    """A part of the encoder's training, with heads of its own and one rise and fall of the rate.

    EVA-CLIP-g's CLS, trained at 224 px on four hundred million pictures, still works at 420 px; a
    CLS trained on 16 patches does not find the word among 64 (docs/log.md). So the second lesson
    shows whole pictures at both sizes.
    """

    stream: str  # of its random choices
    num_steps: int
    learning_rate: float
    sharp_every: int = 0  # one step in so many shows whole pictures at SHARP_SIZE; 0 for none


LESSONS = (
    EncoderLesson("backbones/views", 1000, 2.0e-3),
    EncoderLesson("backbones/views/sharp", 1500, 1.5e-3, sharp_every=2),
)


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


def new_vision_encoder(*, seed: int) -> Blip2VisionModel:
    """A vision transformer of the desk's shape with fresh weights."""
    torch.manual_seed(torch_seed(seed, "backbones", "vision_encoder"))
    return Blip2VisionModel(Blip2VisionConfig(**CONFIG))


def train_vision_encoder(
    encoder: Blip2VisionModel,
    lesson: EncoderLesson,
    *,
    seed: int,
    report: Callable[[int, dict[str, float]], None],
) -> Blip2VisionModel:
    """Train `encoder` in place; `report(step, losses)` is called after every step."""
    torch.manual_seed(torch_seed(seed, lesson.stream, "heads"))
    heads = PatchHeads(CONFIG["hidden_size"])
    named = [*encoder.named_parameters(), *heads.named_parameters()]
    named = [(name, p) for name, p in named if "post_layernorm" not in name]
    optimizer = BackboneOptimizer(
        named, learning_rate=lesson.learning_rate, num_steps=lesson.num_steps
    )
    rng = python_random(seed, lesson.stream)
    encoder.train()
    for step in range(1, lesson.num_steps + 1):
        is_sharp = lesson.sharp_every > 0 and step % lesson.sharp_every == 0
        pixels, labels = draw_labelled_views(
            rng,
            num_pictures=PICTURES_PER_STEP,
            views_per_picture=1 if is_sharp else VIEWS_PER_PICTURE,
            size=SHARP_SIZE if is_sharp else IMAGE_SIZE,
            whole_only=is_sharp,
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
        return functional.binary_cross_entropy_with_logits(logits, target)
    return functional.cross_entropy(
        logits.reshape(-1, logits.shape[-1]), target.reshape(-1), ignore_index=IGNORED
    )
