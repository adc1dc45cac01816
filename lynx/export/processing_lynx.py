"""Prepares dialogues, pictures and videos for an exported Lynx, and turns ids into text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image
from transformers import BatchFeature, ProcessorMixin

from lynx.data.dialogue import encode_prompt
from lynx.data.transforms import Colors, image_to_tensor

Dialogue = Sequence[tuple[str, str | None]]  # what the user says, what the model answered
Vision = Image.Image | bytes | Sequence[Image.Image | bytes] | None  # a picture, or frames


class LynxProcessor(ProcessorMixin):
    """A tokenizer, and the size and normalisation of the pictures that the model was trained on."""

    def __init__(
        self,
        tokenizer: Any = None,
        image_size: int = 420,
        image_mean: Sequence[float] = (0.48145466, 0.4578275, 0.40821073),
        image_std: Sequence[float] = (0.26862954, 0.26130258, 0.27577711),
        num_frames: int = 5,
        max_input_tokens: int = 512,
        **kwargs: Any,
    ) -> None:
        super().__init__(tokenizer)
        self.image_size, self.num_frames = image_size, num_frames
        self.image_mean: Colors = (*image_mean,)  # type: ignore[assignment]
        self.image_std: Colors = (*image_std,)  # type: ignore[assignment]
        self.max_input_tokens = max_input_tokens

    def __call__(
        self, text: str | Sequence[str | Dialogue], vision: Sequence[Vision] | Vision = None
    ) -> BatchFeature:
        """input_ids and attention_mask (B, T), num_frames (B,), and pixel_values (F, 3, S, S).

        text: a question or several; instead of a question a dialogue, its last answer None.
        vision: what each is about: a picture, the frames of a video in order, or None.
        """
        questions = [text] if isinstance(text, str) else list(text)
        single = isinstance(text, str) or vision is None
        shown: list[Any] = [vision] * len(questions) if single else list(vision)  # type: ignore[arg-type]
        if len(shown) != len(questions):
            raise ValueError(f"{len(questions)} texts, but {len(shown)} pictures or videos")
        frames = [self._frames(item) for item in shown]
        ids = [
            encode_prompt(
                [(item, None)] if isinstance(item, str) else item,
                self.tokenizer,
                self.max_input_tokens,
            )
            for item in questions
        ]
        longest = max(map(len, ids))
        pad = self.tokenizer.pad_token_id
        content = {
            "input_ids": torch.tensor([[pad] * (longest - len(row)) + row for row in ids]),
            "attention_mask": torch.tensor(
                [[0] * (longest - len(row)) + [1] * len(row) for row in ids]
            ),
            "num_frames": torch.tensor([len(of_one) for of_one in frames]),
        }
        tensors = [self._tensor(frame) for of_one in frames for frame in of_one]
        return BatchFeature(content | ({"pixel_values": torch.stack(tensors)} if tensors else {}))

    def batch_decode(self, ids: Any, **_: Any) -> list[str]:
        """The answers of `generate`, as text."""
        texts = self.tokenizer.batch_decode(ids, skip_special_tokens=True)
        return [text.strip() for text in texts]

    def _frames(self, item: Vision) -> list[Any]:
        if item is None:
            return []
        if isinstance(item, Image.Image | bytes):
            return [item]
        if len(item) > self.num_frames:
            raise ValueError(f"a video of {len(item)} frames: the model reads {self.num_frames}")
        return list(item)

    def _tensor(self, frame: Image.Image | bytes) -> torch.Tensor:
        return image_to_tensor(
            frame.convert("RGB") if isinstance(frame, Image.Image) else frame,
            image_size=self.image_size,
            image_mean=self.image_mean,
            image_std=self.image_std,
        )
