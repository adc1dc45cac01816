"""Lynx: vision encoder, resampler and an adapted language model, from a batch to its losses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import LlamaForCausalLM

from lynx.config.errors import LynxError
from lynx.model.attention import decoding_attention, document_attention
from lynx.model.generation import generate_rows
from lynx.model.parts import PARTS, part_of
from lynx.model.resampler import FrameLayout, Resampler
from lynx.model.vision_encoder import VisionEncoder


class BatchLike(Protocol):
    """What the model reads of a batch; shapes in `lynx.data.batch.Batch`."""

    pixel_values: Tensor
    num_frames: Tensor
    is_blank: bool
    input_ids: Tensor
    document_ids: Tensor
    position_ids: Tensor
    labels: Tensor
    source_ids: Tensor
    vision_places: Tensor
    target_places: Tensor
    document_bounds: Tensor
    longest_document: int


class LynxModel(nn.Module):
    """The parts of paper section 2.1 put together.

    `identities` tells which weights the parts were loaded from, `trained_parts` which parts have
    been trained since; checkpoints hold the latter and the identities of the others.
    """

    def __init__(
        self,
        *,
        vision_encoder: VisionEncoder,
        resampler: Resampler,
        language_model: LlamaForCausalLM,
        num_frames: int = 5,
        frame_position_std: float = 0.02,
        identities: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.vision_encoder = vision_encoder
        self.resampler = resampler
        self.frame_positions = nn.Parameter(torch.empty(num_frames, vision_encoder.width))
        nn.init.trunc_normal_(self.frame_positions, std=frame_position_std)
        self.language_model = language_model
        self.identities = dict(identities or {})
        self.trained_parts: set[str] = set()
        self.trainable_parts: frozenset[str] = frozenset(PARTS)

    def set_trainable(self, parts: Iterable[str]) -> None:
        """Train these parts from now on and freeze the others."""
        self.trainable_parts = frozenset(parts)
        self.trained_parts |= self.trainable_parts
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(part_of(name) in self.trainable_parts)
        self.train(self.training)

    def train(self, mode: bool = True) -> LynxModel:
        """Training mode for what is trained; a frozen vision encoder stays in evaluation mode."""
        super().train(mode)
        self.vision_encoder.train(mode and "vision_encoder" in self.trainable_parts)
        return self

    def encode_vision(self, pixel_values: Tensor, num_frames: Tensor) -> Tensor:
        """Frames (F, 3, S, S) of V samples with num_frames (V,) each -> (V, num_queries, hidden).

        A frame's position is added to the features of videos only (num_frames > 1).
        """
        layout = FrameLayout(num_frames, pixel_values.device)
        if layout.used.shape[1] > len(self.frame_positions):
            raise LynxError(
                f"a video of {layout.used.shape[1]} frames: the model has positions for "
                f"{len(self.frame_positions)} (model.num_frames)"
            )
        train_encoder = torch.is_grad_enabled() and "vision_encoder" in self.trainable_parts
        with torch.set_grad_enabled(train_encoder):
            features = self.vision_encoder(pixel_values)
        # Pictures read a row of zeros: the positions are part of every step's graph, as DDP needs.
        table = torch.cat([torch.zeros_like(self.frame_positions[:1]), self.frame_positions])
        rows = torch.where(layout.is_video, layout.index_in_sample + 1, 0)
        return self.resampler(features.to(table.dtype) + table[rows][:, None], layout)

    def forward(self, batch: BatchLike) -> tuple[Tensor, Tensor]:
        """Losses (num_targets,) float32 in nats, and the source (num_targets,) of each target."""
        hidden = self.language_model.model(
            inputs_embeds=self._embed(batch),
            position_ids=batch.position_ids,
            use_cache=False,
            **document_attention(
                batch,
                attention=self.language_model.config._attn_implementation,
                dtype=self.language_model.dtype,
            ),
        ).last_hidden_state
        # The head at target positions only: most positions are prompt or vision.
        places = batch.target_places
        logits = self.language_model.lm_head(hidden.flatten(0, 1).index_select(0, places - 1))
        labels, source_ids = batch.labels.flatten()[places], batch.source_ids.flatten()[places]
        losses = functional.cross_entropy(logits.float(), labels, reduction="none")
        return losses, source_ids

    @torch.no_grad()
    def generate(
        self,
        *,
        pixel_values: Tensor | None,
        num_frames: Tensor | None,
        prompts: Sequence[Sequence[int]],
        has_vision: Sequence[bool],
        settings: Mapping[str, Any],
        seeds: Sequence[int],
    ) -> list[list[int]]:
        """New token ids of each prompt, without EOS and padding.

        pixel_values (F, 3, S, S) and num_frames (V,) of the prompts that have vision, in their
        order; settings: a row of Table 9 (`GenerationConfig`'s fields); seeds: one per prompt, used
        where the row samples. An answer depends on its own prompt, pictures and seed alone.
        """
        rows = self.prompt_rows(
            pixel_values=pixel_values, num_frames=num_frames, prompts=prompts, has_vision=has_vision
        )
        was_training = self.training
        self.eval()
        try:
            with decoding_attention(self.language_model):
                return generate_rows(self.language_model, rows, settings=settings, seeds=seeds)
        finally:
            self.train(was_training)

    def prompt_rows(
        self,
        *,
        pixel_values: Tensor | None,
        num_frames: Tensor | None,
        prompts: Sequence[Sequence[int]],
        has_vision: Sequence[bool],
    ) -> list[Tensor]:
        """Embeddings (T, hidden) of each prompt, vision tokens first; arguments as `generate`'s."""
        embed = self.language_model.get_input_embeddings()
        device = self.frame_positions.device
        rows: list[Tensor] = [embed(torch.tensor(prompt, device=device)) for prompt in prompts]
        if not any(has_vision):
            return rows
        assert pixel_values is not None and num_frames is not None
        tokens = iter(self.encode_vision(pixel_values, num_frames))
        return [
            torch.cat([next(tokens).to(row.dtype), row]) if sees else row
            for row, sees in zip(rows, has_vision, strict=True)
        ]

    def _embed(self, batch: BatchLike) -> Tensor:
        """Text embeddings (R, T, hidden) with the vision tokens in their places."""
        embeds = self.language_model.get_input_embeddings()(batch.input_ids)
        vision = self.encode_vision(batch.pixel_values, batch.num_frames).to(embeds.dtype)
        if batch.is_blank:
            # All ranks run the same modules in every step; a blank picture adds nothing.
            return embeds + 0.0 * vision.sum()
        rows = embeds.flatten(0, 1).index_copy(0, batch.vision_places, vision.flatten(0, 1))
        return rows.view_as(embeds)
