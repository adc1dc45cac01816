"""Lynx as a model of `transformers`: logits, loss and answers from ids and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence
from transformers import LlamaForCausalLM, PreTrainedModel
from transformers.utils import ModelOutput

from lynx.export.configuration_lynx import LynxConfig
from lynx.model.assembly import assemble
from lynx.model.generation import left_padded
from lynx.model.vision_eva import EvaEncoder
from lynx.model.vision_loading import empty_vision_encoder

_IGNORED = -100  # label of a position without a loss


@dataclass
class LynxOutput(ModelOutput):
    """loss: mean over labelled positions, float32. logits: (B, length, vocabulary)."""

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
        vision_encoder = empty_vision_encoder(config.vision_config.to_dict())
        language_model = LlamaForCausalLM(text)
        self.lynx = assemble(
            vision_encoder,
            language_model,
            resampler=config.resampler,
            adapter=config.adapter,
            num_frames=config.num_frames,
        )
        for role in ("bos", "eos", "pad"):
            name = f"{role}_token_id"
            setattr(language_model.generation_config, name, getattr(text, name))
        # The parts lie too deep for `transformers` to ask them itself.
        parts = (vision_encoder.model, language_model)
        self._no_split_modules = sorted({name for part in parts for name in part._no_split_modules})
        if isinstance(vision_encoder, EvaEncoder):  # interpolated before it is rounded
            self._keep_in_fp32_modules_strict = ["position_embedding"]
        self.post_init()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        pixel_values: Tensor | None = None,
        num_frames: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> LynxOutput:
        """Logits of every position of [vision tokens][text], in rows that all end together.

        input_ids, attention_mask, labels: (B, T), padded on either side. pixel_values
        (F, 3, S, S) and num_frames (B,): frames of each row, 0 for text alone; without num_frames
        each row has one. length: of the longest row.
        """
        texts = _without_pads(input_ids, attention_mask)
        rows = self.lynx.prompt_rows(**self._seen(texts, pixel_values, num_frames))
        embeds, shown = left_padded(rows)
        logits = self.lynx.language_model(
            inputs_embeds=embeds,
            attention_mask=shown,
            position_ids=(shown.cumsum(dim=1) - 1).clamp(min=0),
            use_cache=False,
        ).logits
        if labels is None:
            return LynxOutput(logits=logits)
        targets = [
            functional.pad(own, (len(row) - len(own), 0), value=_IGNORED)
            for own, row in zip(_without_pads(labels, attention_mask), rows, strict=True)
        ]
        for own in targets:
            own[0] = _IGNORED  # only a pad stands before it
        wanted = pad_sequence(
            targets, batch_first=True, padding_value=_IGNORED, padding_side="left"
        )
        loss = functional.cross_entropy(
            logits[:, :-1].flatten(0, 1).float(), wanted[:, 1:].flatten(), ignore_index=_IGNORED
        )
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

        settings: columns of Table 9 that replace those of `config.generation`. seeds: one per row
        (0), for decoding that samples; an answer depends on its own row and seed alone. The rest as
        in `forward`.
        """
        unknown = sorted(settings.keys() - self.config.generation.keys())
        if unknown:
            raise TypeError(f"generate: {unknown} are none of {sorted(self.config.generation)}")
        texts = _without_pads(input_ids, attention_mask)
        answers = self.lynx.generate(
            **self._seen(texts, pixel_values, num_frames),
            settings={**self.config.generation, **settings},
            seeds=[0] * len(texts) if seeds is None else seeds,
        )
        pad = self.lynx.language_model.generation_config.pad_token_id
        rows = [torch.tensor(ids, dtype=torch.long, device=input_ids.device) for ids in answers]
        return pad_sequence(rows, batch_first=True, padding_value=pad)

    def get_input_embeddings(self) -> Any:
        """The language model's."""
        return self.lynx.language_model.get_input_embeddings()

    def get_output_embeddings(self) -> Any:
        """The language model's head."""
        return self.lynx.language_model.get_output_embeddings()

    def get_expanded_tied_weights_keys(self, all_submodels: bool = False) -> dict[str, str]:
        """Those of the language model, by their names here."""
        own = self.lynx.language_model.get_expanded_tied_weights_keys(all_submodels)
        prefix = "lynx.language_model."
        return {f"{prefix}{target}": f"{prefix}{source}" for target, source in own.items()}

    def _seen(
        self, texts: Sequence[Tensor], pixel_values: Tensor | None, num_frames: Tensor | None
    ) -> dict[str, Any]:
        """What LynxModel takes of texts and pictures."""
        counts = [0] * len(texts) if num_frames is None else num_frames.tolist()
        if pixel_values is not None and num_frames is None:
            counts = [1] * len(texts)
        total = 0 if pixel_values is None else len(pixel_values)
        if len(counts) != len(texts) or sum(counts) != total:
            raise ValueError(
                f"{len(texts)} rows with num_frames {counts} don't fit {total} pictures in "
                "pixel_values"
            )
        pixels = None if pixel_values is None else pixel_values.to(self.lynx.frame_positions.dtype)
        return {
            "pixel_values": pixels,
            "num_frames": torch.tensor([count for count in counts if count]),
            "prompts": [text.tolist() for text in texts],
            "has_vision": [count > 0 for count in counts],
        }


def _without_pads(ids: Tensor, attention_mask: Tensor | None) -> list[Tensor]:
    """The rows (T_i,) of (B, T), of any padding."""
    if attention_mask is None:
        return [*ids]
    return [row[kept] for row, kept in zip(ids, attention_mask.bool(), strict=True)]
