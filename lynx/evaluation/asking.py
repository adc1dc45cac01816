"""Asks a model about pictures, many dialogues at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from PIL import Image
from transformers import PreTrainedTokenizerBase

from lynx.config.seeds import torch_seed
from lynx.data.dialogue import encode_prompt
from lynx.data.transforms import CLIP_MEAN, CLIP_STD, Colors, image_to_tensor
from lynx.evaluation.questions import Question

Turn = tuple[str, str | None]  # what the user says, what the model answered (None: not yet)
Decoding = Mapping[str, Any]  # a row of Table 9


class Generator(Protocol):
    """The part of LynxModel that evaluation uses."""

    def generate(
        self,
        *,
        pixel_values: torch.Tensor | None,
        num_frames: torch.Tensor | None,
        prompts: list[list[int]],
        has_vision: list[bool],
        settings: Decoding,
        seeds: list[int],
    ) -> list[list[int]]:
        """New token ids of each prompt."""
        ...


@dataclass(frozen=True)
class Reply:
    """What the model said, and the token ids it was given and has made (EOS not counted)."""

    text: str
    prompt_ids: list[int]
    new_ids: list[int]


@dataclass(frozen=True)
class Said:
    """An answer, and how many tokens its own model counts in it; None where that is unknown."""

    text: str
    num_tokens: int | None = None


class Answering(Protocol):
    """Whoever can be asked a benchmark's questions: our model, or a baseline."""

    def answers(
        self,
        questions: Sequence[Question],
        dialogues: Sequence[Sequence[Turn]],
        *,
        decoding: Decoding,
        purpose: str,
    ) -> list[Said]:
        """One answer to the last turn of each dialogue, about the pictures of its question."""
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
    image_mean: Colors = CLIP_MEAN
    image_std: Colors = CLIP_STD

    @torch.no_grad()
    def replies(
        self,
        dialogues: Sequence[Sequence[Turn]],
        pictures: Sequence[Sequence[bytes | Image.Image]],
        *,
        decoding: Decoding,
        seeds: Sequence[int],
    ) -> list[Reply]:
        """One reply to the last turn of each dialogue.

        pictures: per dialogue one picture, a video's frames in order, or none (text only); decoded
        ones in RGB. seeds: one per dialogue; used where the row samples.
        """
        frames = [
            image_to_tensor(
                picture,
                image_size=self.image_size,
                image_mean=self.image_mean,
                image_std=self.image_std,
            )
            for shown in pictures
            for picture in shown
        ]
        counts = [len(shown) for shown in pictures if shown]
        prompts = [
            encode_prompt(turns, self.tokenizer, self.max_input_tokens) for turns in dialogues
        ]
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.use_bf16):
            made = self.model.generate(
                pixel_values=torch.stack(frames).to(self.device) if frames else None,
                num_frames=torch.tensor(counts, device=self.device) if frames else None,
                prompts=prompts,
                has_vision=[len(shown) > 0 for shown in pictures],
                settings=decoding,
                seeds=list(seeds),
            )
        texts = self.tokenizer.batch_decode(made, skip_special_tokens=True)
        return [
            Reply(text.strip(), prompt, new)
            for text, prompt, new in zip(texts, prompts, made, strict=True)
        ]

    def answers(
        self,
        questions: Sequence[Question],
        dialogues: Sequence[Sequence[Turn]],
        *,
        decoding: Decoding,
        purpose: str,
    ) -> list[Said]:
        """One answer to the last turn of each dialogue, about the pictures of its question.

        purpose: names the random stream, so that sampled answers depend on the seed, the question
        and the purpose alone.
        """
        replies = self.replies(
            dialogues,
            [q.images for q in questions],
            decoding=decoding,
            seeds=[torch_seed(self.seed, "sampling", purpose, q.kind, q.id) for q in questions],
        )
        return [Said(reply.text, len(reply.new_ids)) for reply in replies]
