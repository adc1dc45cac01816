"""Packed rows train as rows of one document each do, and no gradient crosses documents."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from lynx.data.batch import Batch, Document, collate
from lynx.data.text import Encoded
from lynx.model.build import build_model
from lynx.model.lynx import LynxModel
from lynx.model.parts import PARTS
from tests.tiny import NUM_QUERIES, document, tiny_config

PACK_LENGTH = 64
FRAMES = (1, 0, 3, 1, 0, 2)  # of each document; 0: text alone


@pytest.fixture(params=["eager", "sdpa", "varlen"])
def model(tmp_path: Path, request: pytest.FixtureRequest) -> LynxModel:
    model = build_model(tiny_config(tmp_path, {"hardware.attention": request.param}), seed=0)
    model.set_trainable(PARTS)
    return model.train()


def documents() -> list[Document]:
    made = [document(number, num_frames=frames) for number, frames in enumerate(FRAMES)]
    return [
        Document(
            one.frames,
            Encoded([*one.prompt, *one.response], [-100] * len(one.prompt) + one.response),
            source=number,  # tells which document a loss is of
            position=number,
        )
        for number, one in enumerate(made)
    ]


def packed(chosen: list[Document], pack_length: int = PACK_LENGTH) -> Batch:
    return collate(
        chosen, pack_length=pack_length, num_queries=NUM_QUERIES, image_size=28, pad_token_id=0
    )


def gradients(model: LynxModel, losses: Tensor) -> dict[str, Tensor]:
    model.zero_grad()
    losses.sum().backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def test_packing_changes_neither_losses_nor_gradients(model: LynxModel) -> None:
    together, apart = packed(documents()), [packed([one]) for one in documents()]
    assert len(together.input_ids) < len(FRAMES)
    losses, sources = model(together)
    separate = [model(batch)[0] for batch in apart]
    for number, expected in enumerate(separate):
        torch.testing.assert_close(losses[sources == number], expected, atol=1e-5, rtol=0)
    one, other = gradients(model, losses), gradients(model, torch.cat(separate))
    assert one.keys() == other.keys()
    for name, gradient in one.items():
        scale = float(other[name].abs().max())
        torch.testing.assert_close(gradient, other[name], atol=1e-5 * max(scale, 1), rtol=1e-4)


@pytest.mark.parametrize("number", range(len(FRAMES)))
def test_a_documents_loss_reaches_its_own_tokens_and_pixels_alone(
    model: LynxModel, number: int
) -> None:
    plain = packed(documents())
    batch = replace(plain, pixel_values=plain.pixel_values.clone().requires_grad_())
    embedded: list[Tensor] = []
    embedding = model.language_model.get_input_embeddings()
    hook = embedding.register_forward_hook(lambda *call: embedded.append(call[-1]))
    losses, sources = model(batch)
    hook.remove()
    own = sources == number
    assert own.any() and not own.all()
    pixels, tokens = torch.autograd.grad(losses[own].sum(), [batch.pixel_values, embedded[0]])
    here = batch.source_ids == number
    assert tokens[here & ~batch.vision_mask].abs().max() > 0
    assert tokens[~here].abs().max() == 0
    frame_sources = batch.source_ids[batch.vision_mask][::NUM_QUERIES]  # of each visual document
    is_own = torch.repeat_interleave(frame_sources == number, batch.num_frames)
    assert pixels[~is_own].abs().max() == 0
    assert not FRAMES[number] or pixels[is_own].abs().amax(dim=(1, 2, 3)).min() > 0
