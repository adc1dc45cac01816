"""BLIP-2 and InstructBLIP: vision tokens stand before the text, BOS included."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from PIL import Image
from torch import Tensor
from transformers import GenerationConfig, PreTrainedTokenizerBase

from lynx.baselines.adapters.base import Adapter, Inputs
from lynx.config.errors import LynxError
from lynx.evaluation.asking import Turn


class Blip2Adapter(Adapter):
    """BLIP-2 sees one picture, and its Q-Former nothing but that picture."""

    model_types: ClassVar[tuple[str, ...]] = ("blip-2",)
    needs_picture: ClassVar[bool] = True

    def encode(self, turns: Sequence[Turn], pictures: Sequence[Image.Image]) -> Inputs:
        """Inputs of one dialogue. The ids are put together here, not by the processor.

        That one would pad between vision tokens and text, which shifts T5's relative positions,
        and older checkpoints don't tell it how many vision tokens there are.
        """
        if not pictures:
            raise LynxError(
                f"{self.baseline.name} can't be asked without a picture: leave text_only out of "
                "evaluation.without_vision"
            )
        text = self._dialogue(turns)
        num_tokens = int(self.model.config.num_query_tokens) * len(pictures)
        own = self.tokenizer(text, return_tensors="pt")["input_ids"]
        ids = torch.cat([own.new_full((1, num_tokens), self._place_id), own], dim=1)
        self.check_placeholders(ids, self._place_id, num_tokens)
        return {
            "input_ids": ids,
            "attention_mask": torch.ones_like(ids),
            "pixel_values": self._pixels(pictures),
        }

    @property
    def generation_config(self) -> GenerationConfig:
        """The language model's own: BLIP's `generate` hands everything on to it."""
        own: GenerationConfig = self._language_model.generation_config
        return own

    @property
    def is_encoder_decoder(self) -> bool:
        """T5 is, OPT and Vicuna aren't."""
        return bool(self._language_model.config.is_encoder_decoder)

    def _dialogue(self, turns: Sequence[Turn]) -> str:
        assert self.baseline.template is not None, "checked when the baseline is read"
        return self.baseline.template.text(self.spoken(turns), num_pictures=1)

    def _pixels(self, pictures: Sequence[Image.Image]) -> Tensor:
        """(pictures, 3, H, W)"""
        pixels: Tensor = self.processor.image_processor(list(pictures), return_tensors="pt")[
            "pixel_values"
        ]
        return pixels

    @property
    def _language_model(self) -> Any:
        return self.model.language_model

    @property
    def _place_id(self) -> int:
        return place_id(self.model)


class InstructBlipAdapter(Blip2Adapter):
    """InstructBLIP, whose Q-Former reads the text as well.

    With `video: native` the model is transformers' form for videos, for which a picture is a video
    of one frame: the same numbers as from the form for pictures.
    """

    model_types: ClassVar[tuple[str, ...]] = ("instructblip", "instructblipvideo")
    placeholders: ClassVar[tuple[str, ...]] = ("<image>", "<video>")

    def encode(self, turns: Sequence[Turn], pictures: Sequence[Image.Image]) -> Inputs:
        """Inputs of one dialogue, with the text once more for the Q-Former."""
        inputs = super().encode(turns, pictures)
        if self.baseline.video == "native":
            inputs["pixel_values"] = inputs["pixel_values"][None]  # (1, frames, 3, H, W)
        reader: PreTrainedTokenizerBase = self.processor.qformer_tokenizer
        longest = int(self.model.config.qformer_config.max_position_embeddings)
        ids = _tail(reader(self._dialogue(turns), return_tensors="pt")["input_ids"], longest)
        return inputs | {"qformer_input_ids": ids, "qformer_attention_mask": torch.ones_like(ids)}


def place_id(model: Any) -> int:
    """The id that stands for a vision token; its embedding is replaced, so any may serve.

    Configurations of early checkpoints name none: then the last row of the embeddings, which the
    tokenizers of this family leave unused.
    """
    config = model.config
    name = next(one for one in ("video_token_index", "image_token_index") if hasattr(config, one))
    if getattr(config, name) is None:
        own = getattr(config, "image_token_index", None)
        unused = model.get_input_embeddings().num_embeddings - 1
        setattr(config, name, unused if own is None else own)
    return int(getattr(config, name))


def _tail(ids: Tensor, longest: int) -> Tensor:
    """The first token and the last `longest` - 1: a Q-Former has places for 512."""
    return ids if ids.shape[1] <= longest else torch.cat([ids[:, :1], ids[:, 1 - longest :]], dim=1)
