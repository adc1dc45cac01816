"""Lynx as a model of `transformers`: logits, loss and answers from ids and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import AutoModel, LlamaForCausalLM, PreTrainedModel
from transformers.utils import ModelOutput

from lynx.export.configuration_lynx import LynxConfig
from lynx.model.adapters import Adapter, add_adapters
from lynx.model.lynx import LynxModel
from lynx.model.resampler import Resampler
from lynx.model.vision_encoder import VisionEncoder
from lynx.model.vision_eva import MODEL_TYPE, EvaEncoder, eva_config
from lynx.model.vision_tower import TransformersTower, tower_config


@dataclass
class LynxOutput(ModelOutput):
    """loss: mean over labelled positions, float32. logits (B, Q + T, vocabulary), see `forward`."""

    loss: Tensor | None = None
    logits: Tensor | None = None


class LynxForConditionalGeneration(PreTrainedModel):
    """Answers in text to what is said about a picture, a video, or neither.

    Pictures and videos become `resampler.num_queries` vision tokens before the text (paper 2.1).
    """

    config_class = LynxConfig
    base_model_prefix = "lynx"
    _supports_sdpa = True

    def __init__(self, config: LynxConfig) -> None:
        super().__init__(config)
        text = config.text_config
        text._attn_implementation = "sdpa"
        vision_encoder = _vision_encoder(config.vision_config.to_dict())
        width = text.hidden_size
        language_model = LlamaForCausalLM(text)
        bottleneck = width // config.adapter["bottleneck_divisor"]
        add_adapters(
            language_model.model.layers,
            every_n_layers=config.adapter["every_n_layers"],
            build=lambda _: Adapter(width=width, bottleneck=bottleneck, init="paper"),
        )
        self.lynx = LynxModel(
            vision_encoder=vision_encoder,
            resampler=Resampler(
                width=width, feature_width=vision_encoder.width, **config.resampler
            ),
            language_model=language_model,
            num_frames=config.num_frames,
        )
        for role in ("bos", "eos", "pad"):
            name = f"{role}_token_id"
            setattr(language_model.generation_config, name, getattr(text, name))
        self.post_init()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        pixel_values: Tensor | None = None,
        num_frames: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> LynxOutput:
        """Logits of every position of [vision tokens][text].

        input_ids, attention_mask, labels: (B, T), padded on either side. pixel_values
        (F, 3, S, S) and num_frames (B,): frames of each row, 0 for text alone. Rows are moved to
        the right, so that all end together; of a row without vision tokens the first Q are pads.
        """
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        rows, targets = [], []
        vision = self._vision_rows(pixel_values, num_frames, len(input_ids))
        for ids, kept, tokens, label in zip(
            input_ids, mask.bool(), vision, input_ids if labels is None else labels, strict=True
        ):
            text = self.get_input_embeddings()(ids[kept])
            rows.append(text if tokens is None else torch.cat([tokens.to(text.dtype), text]))
            ignored = label.new_full((len(rows[-1]) - len(text),), -100)
            targets.append(torch.cat([ignored, label[kept]]))
        length = input_ids.shape[1] + self.config.resampler["num_queries"]
        embeds = _moved_right(rows, length, 0.0)
        shown = _moved_right([row.new_ones(len(row), dtype=torch.long) for row in rows], length, 0)
        logits = self.lynx.language_model(
            inputs_embeds=embeds,
            attention_mask=shown,
            position_ids=(shown.cumsum(dim=1) - 1).clamp(min=0),
            use_cache=False,
        ).logits
        if labels is None:
            return LynxOutput(logits=logits)
        wanted = _moved_right(targets, length, -100)[:, 1:].flatten()
        loss = functional.cross_entropy(logits[:, :-1].flatten(0, 1).float(), wanted)
        return LynxOutput(loss=loss, logits=logits)

    @torch.no_grad()
    def generate(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        pixel_values: Tensor | None = None,
        num_frames: Tensor | None = None,
        seeds: Sequence[int] | None = None,
        **settings: Any,
    ) -> Tensor:
        """New ids (B, N) of each row without EOS, padded on the right.

        settings: columns of Table 9 that replace those of `config.generation`. seeds: one per row,
        for rows of the table that sample; 0, 1, ... by default. The rest as in `forward`.
        """
        unknown = sorted(settings.keys() - self.config.generation.keys())
        if unknown:
            raise TypeError(f"generate: {unknown} are none of {sorted(self.config.generation)}")
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        frames = torch.zeros(len(input_ids), dtype=torch.long) if num_frames is None else num_frames
        answers = self.lynx.generate(
            pixel_values=pixel_values,
            num_frames=frames[frames > 0],
            prompts=[ids[kept].tolist() for ids, kept in zip(input_ids, mask.bool(), strict=True)],
            has_vision=(frames > 0).tolist(),
            settings={**self.config.generation, **settings},
            seeds=list(range(len(input_ids))) if seeds is None else seeds,
        )
        pad = self.lynx.language_model.generation_config.pad_token_id
        longest = max(map(len, answers))
        padded = [answer + [pad] * (longest - len(answer)) for answer in answers]
        return torch.tensor(padded, dtype=torch.long, device=input_ids.device)

    def get_input_embeddings(self) -> Any:
        """The language model's."""
        return self.lynx.language_model.get_input_embeddings()

    def get_output_embeddings(self) -> Any:
        """The language model's head."""
        return self.lynx.language_model.get_output_embeddings()

    def _vision_rows(
        self, pixel_values: Tensor | None, num_frames: Tensor | None, rows: int
    ) -> list[Tensor | None]:
        """Vision tokens (Q, hidden) of each row, None for text alone."""
        if pixel_values is None or num_frames is None:
            return [None] * rows
        tokens = iter(self.lynx.encode_vision(pixel_values, num_frames[num_frames > 0]))
        return [next(tokens) if count else None for count in num_frames.tolist()]


def _vision_encoder(settings: dict[str, Any]) -> VisionEncoder:
    if settings["model_type"] == MODEL_TYPE:
        return EvaEncoder(eva_config(settings, attention="sdpa"))
    config = tower_config(settings, attention="sdpa", feature_layer=-1)
    return TransformersTower(AutoModel.from_config(config))


def _moved_right(rows: list[Tensor], length: int, value: float) -> Tensor:
    """(B, length, ...) of rows of several lengths, `value` before them."""
    padded = rows[0].new_full((len(rows), length, *rows[0].shape[1:]), value)
    for index, row in enumerate(rows):
        padded[index, length - len(row) :] = row
    return padded
