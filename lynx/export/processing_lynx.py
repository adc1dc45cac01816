"""Prepares dialogues, pictures and videos for an exported Lynx, and turns ids into text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image
from transformers import BatchFeature, ProcessorMixin

from lynx.data.dialogue import encode_prompt
from lynx.data.transforms import CLIP_MEAN, CLIP_STD, Colors, as_rgb, image_to_tensor

Dialogue = Sequence[tuple[str, str | None]]  # what the user says, what the model answered
Picture = Image.Image | bytes
Vision = Picture | Sequence[Picture] | None  # a picture, or a video's frames in order


class LynxProcessor(ProcessorMixin):
    """A tokenizer, and the size and normalisation of the pictures that the model was trained on."""

    def __init__(
        self,
        tokenizer: Any = None,
        image_size: int = 420,
        image_mean: Sequence[float] = CLIP_MEAN,
        image_std: Sequence[float] = CLIP_STD,
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
        self,
        text: str | Dialogue | Sequence[str | Dialogue],
        vision: Vision | Sequence[Vision] = None,
    ) -> BatchFeature:
        """input_ids and attention_mask (B, T), num_frames (B,), and pixel_values (F, 3, S, S).

        text: a question, or a dialogue whose last answer is None; or a list of such. vision: what
        it is about: a picture, the frames of a video, or None; of a list of texts a list.
        """
        is_one = isinstance(text, str) or _is_dialogue(text)
        questions: list[Any] = [text] if is_one else list(text)
        shown: list[Any] = [vision] if is_one else self._listed(vision, len(questions))
        frames = [self._frames(item) for item in shown]
        ids = [
            encode_prompt(
                [(item, None)] if isinstance(item, str) else item,
                self.tokenizer,
                self.max_input_tokens,
            )
            for item in questions
        ]
        longest, pad = max(map(len, ids)), self.tokenizer.pad_token_id
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

    def _listed(self, vision: Any, number: int) -> list[Any]:
        if vision is None:
            return [None] * number
        if isinstance(vision, Picture) or len(vision) != number:
            has = "one picture" if isinstance(vision, Picture) else f"{len(vision)} for vision"
            raise ValueError(f"{number} texts, but {has}; give a list with an entry for each")
        return list(vision)

    def _frames(self, item: Vision) -> list[Picture]:
        frames = [] if item is None else [item] if isinstance(item, Picture) else list(item)
        wrong = [frame for frame in frames if not isinstance(frame, Picture)]
        if wrong:
            raise TypeError(f"a picture is a PIL image or a file's bytes, not {wrong[0]!r}")
        if len(frames) > self.num_frames:
            raise ValueError(f"a video of {len(frames)} frames: the model reads {self.num_frames}")
        return frames

    def _tensor(self, frame: Picture) -> torch.Tensor:
        return image_to_tensor(
            as_rgb(frame) if isinstance(frame, Image.Image) else frame,
            image_size=self.image_size,
            image_mean=self.image_mean,
            image_std=self.image_std,
        )


def _is_dialogue(text: Any) -> bool:
    """Whether it is turns of two, and not a list of questions or dialogues."""
    return not isinstance(text, str) and all(
        not isinstance(turn, str) and len(turn) == 2 and isinstance(turn[0], str) for turn in text
    )
