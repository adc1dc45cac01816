"""Asks a model about the pictures of a batch of questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from transformers import PreTrainedTokenizerBase

from lynx.config.seeds import torch_seed
from lynx.data.text import encode_prompt
from lynx.data.transforms import image_to_tensor
from lynx.evaluation.questions import Question

Turn = tuple[str, str | None]  # what the user says, what the model answered (None: not yet)
Decoding = Mapping[str, Any]  # a row of Table 9


class Generator(Protocol):
    """The part of LynxModel that evaluation uses."""

    def generate(
        self,
        *,
        pixel_values: torch.Tensor,
        num_frames: torch.Tensor,
        prompts: list[list[int]],
        has_vision: list[bool],
        settings: Decoding,
        seeds: list[int],
    ) -> list[list[int]]:
        """New token ids of each prompt."""
        ...


@dataclass(frozen=True)
class Asker:
    """A model with what it takes to ask it; nothing here makes one answer depend on another."""

    model: Generator
    tokenizer: PreTrainedTokenizerBase
    device: torch.device
    use_bf16: bool
    image_size: int  # pixels
    max_input_tokens: int
    seed: int

    @torch.no_grad()
    def answers(
        self,
        questions: Sequence[Question],
        dialogues: Sequence[Sequence[Turn]],
        *,
        decoding: Decoding,
        purpose: str,
    ) -> list[str]:
        """One answer to the last turn of each dialogue, about the pictures of its question.

        purpose: names the random stream, so that sampled answers depend on the seed, the question
        and the purpose alone.
        """
        frames = [
            image_to_tensor(image, image_size=self.image_size)
            for q in questions
            for image in q.images
        ]
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.use_bf16):
            ids = self.model.generate(
                pixel_values=torch.stack(frames).to(self.device),
                num_frames=torch.tensor([len(q.images) for q in questions], device=self.device),
                prompts=[
                    encode_prompt(turns, self.tokenizer, self.max_input_tokens)
                    for turns in dialogues
                ],
                has_vision=[True] * len(questions),
                settings=decoding,
                seeds=[torch_seed(self.seed, "sampling", purpose, q.kind, q.id) for q in questions],
            )
        return [text.strip() for text in self.tokenizer.batch_decode(ids, skip_special_tokens=True)]
