"""LLaVA-1.5, and whoever else has pictures at a place in the text that its processor fills in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image

from lynx.baselines.adapters.base import Adapter, Inputs
from lynx.evaluation.asking import Turn


class LlavaAdapter(Adapter):
    """Pictures stand where the template says; the processor makes room for their tokens."""

    def encode(self, turns: Sequence[Turn], pictures: Sequence[Image.Image]) -> Inputs:
        """Inputs of one dialogue; without pictures it is text alone."""
        assert self.baseline.template is not None, "checked when the baseline is read"
        text = self.baseline.template.text(self.spoken(turns), num_pictures=len(pictures))
        return processed(self.processor, text, pictures)


def processed(processor: Any, text: str, pictures: Sequence[Image.Image]) -> Inputs:
    """What a processor makes of a text and its pictures; BOS is put in front once."""
    bos = processor.tokenizer.bos_token
    has_bos = bool(bos) and text.startswith(bos)
    made = processor(
        text=[text],
        images=list(pictures) or None,
        return_tensors="pt",
        **({"add_special_tokens": False} if has_bos else {}),
    )
    return {name: value for name, value in made.items() if isinstance(value, torch.Tensor)}
