"""IDEFICS: pictures anywhere in the text, which looks at each by cross-attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from lynx.baselines.adapters.base import Adapter, Inputs, padded
from lynx.evaluation.asking import Turn

_PLACE = "<image>"
_TEXT = ("input_ids", "attention_mask")


class IdeficsAdapter(Adapter):
    """A token looks at the last picture before it: of a video's frames, the question at the last.

    The ids are put together here, as its processor would fetch what looks like a URL in a text.
    """

    model_types: ClassVar[tuple[str, ...]] = ("idefics",)

    def encode(self, turns: Sequence[Turn], pictures: Sequence[Image.Image]) -> Inputs:
        """Inputs of one dialogue; without pictures, one that no token looks at."""
        assert self.baseline.template is not None, "checked when the baseline is read"
        text = self.baseline.template.text(self.spoken(turns), num_pictures=len(pictures))
        bos = self.tokenizer.bos_token or ""
        ids = self.tokenizer(bos + text, add_special_tokens=False, return_tensors="pt")["input_ids"]
        place = self.ids_of([_PLACE], key="template")[0]
        self.check_placeholders(ids, place, len(pictures))
        return {
            "input_ids": ids,
            "attention_mask": torch.ones_like(ids),
            "pixel_values": self._pixels(pictures)[None],
            "image_attention_mask": _looks_at(ids == place, max(len(pictures), 1)),
        }

    def collate(self, rows: Sequence[Inputs]) -> Inputs:
        """One batch; who has fewer pictures gets blank ones that no token looks at."""
        batch = super().collate([{name: row[name] for name in _TEXT} for row in rows])
        most = max(row["pixel_values"].shape[1] for row in rows)
        masks = [
            functional.pad(mask, (0, most - mask.shape[2]))
            for mask in (row["image_attention_mask"] for row in rows)
        ]
        pixels = [row["pixel_values"] for row in rows]
        return batch | {
            "pixel_values": torch.cat(padded(pixels, value=0, on_the_right=True)),
            "image_attention_mask": torch.cat(padded(masks, value=0, on_the_right=False)),
        }

    def _pixels(self, pictures: Sequence[Image.Image]) -> Tensor:
        """(pictures, 3, S, S), at least one."""
        if not pictures:
            return torch.zeros(1, *self.processor.default_image_dims)
        pixels: Tensor = self.processor.image_processor(list(pictures), return_tensors="pt")
        return pixels


def _looks_at(is_picture: Tensor, num_pictures: int) -> Tensor:
    """(1, T) -> (1, T, pictures): one at the last picture at or before each token."""
    last = is_picture.long().cumsum(dim=1) - 1
    places = functional.one_hot(last.clamp(min=0), num_classes=num_pictures)
    return places * (last >= 0)[..., None]
