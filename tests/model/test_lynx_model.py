"""Tests of the model's forward pass: packing, videos, frozen parts, blank pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import Blip2VisionModel

from lynx.config.errors import LynxError
from lynx.model.build import build_model, meta_model, parameter_counts
from lynx.model.lynx import LynxModel
from lynx.model.parts import part_of
from lynx.model.vision_loading import load_vision_encoder
from tests.tiny import TinyBatch, batch_of, document, tiny_config, write_vision_encoder

NEW_PARTS = {"resampler", "frame_positions", "adapters"}


@pytest.fixture
def model(tmp_path: Path) -> LynxModel:
    built = build_model(tiny_config(tmp_path), seed=0)
    built.set_trainable(NEW_PARTS)
    return built.train()


def gradients(model: LynxModel, batch: TinyBatch) -> dict[str, Tensor]:
    model.zero_grad()
    model(batch)[0].sum().backward()
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


def mixed_documents() -> list:
    frames = [1, 0, 5, 1, 0, 2]
    return [document(n, num_frames=f, source=n % 3) for n, f in enumerate(frames)]


def test_packed_rows_give_the_losses_of_separate_rows(model: LynxModel) -> None:
    documents = mixed_documents()
    packed, packed_sources = model(batch_of([documents[:4], documents[4:]]))
    separate = [model(batch_of([[item]])) for item in documents]
    torch.testing.assert_close(packed, torch.cat([losses for losses, _ in separate]))
    assert packed_sources.tolist() == torch.cat([sources for _, sources in separate]).tolist()


def test_a_document_does_not_see_its_neighbours_in_the_row(model: LynxModel) -> None:
    first, second, other = (document(n, num_frames=1) for n in range(3))
    alone = model(batch_of([[first, second]]))[0][-len(second.response) :]
    beside_other = model(batch_of([[other, second]]))[0][-len(second.response) :]
    torch.testing.assert_close(alone, beside_other)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_changing_the_last_response_token_leaves_earlier_losses_alone(
    tmp_path: Path, attention: str
) -> None:
    model = build_model(tiny_config(tmp_path, {"hardware.attention": attention}), seed=0)
    item = document(1, num_frames=1)
    other = replace(item, response=[*item.response[:-1], item.response[0]])
    pair = [model(batch_of([[one]]))[0] for one in (item, other)]
    torch.testing.assert_close(pair[0][:-1], pair[1][:-1])
    assert pair[0][-1] != pair[1][-1]


def test_eager_and_sdpa_attention_agree(model: LynxModel, tmp_path: Path) -> None:
    sdpa = build_model(tiny_config(tmp_path, {"hardware.attention": "sdpa"}), seed=0)
    batch = batch_of([mixed_documents()])
    torch.testing.assert_close(model(batch)[0], sdpa(batch)[0], atol=1e-5, rtol=1e-5)


def test_the_answer_depends_on_the_picture(model: LynxModel) -> None:
    item = document(1, num_frames=1)
    assert item.frames is not None
    other = replace(item, frames=-item.frames)
    assert not torch.allclose(model(batch_of([[item]]))[0], model(batch_of([[other]]))[0])


def test_frame_positions_get_gradients_with_a_frozen_vision_encoder(model: LynxModel) -> None:
    found = gradients(model, batch_of([[document(1, num_frames=3)]]))
    assert found["frame_positions"][:3].abs().sum(dim=1).min() > 0
    assert found["frame_positions"][3:].abs().max() == 0
    assert {part_of(name) for name in found} == NEW_PARTS


def test_pictures_leave_frame_positions_in_the_graph_but_untouched(model: LynxModel) -> None:
    found = gradients(model, batch_of([[document(1, num_frames=1)]]))
    assert found["frame_positions"].abs().max() == 0


def test_the_order_of_frames_matters(model: LynxModel) -> None:
    item = document(1, num_frames=3)
    assert item.frames is not None
    turned = replace(item, frames=item.frames.flip(0))
    assert not torch.allclose(model(batch_of([[item]]))[0], model(batch_of([[turned]]))[0])


def test_every_trained_tensor_is_used_on_a_text_only_batch(model: LynxModel) -> None:
    text = document(1, num_frames=0)
    found = gradients(model, batch_of([[text]]))
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    assert found.keys() == trained
    assert all(found[n].abs().max() == 0 for n in found if part_of(n) != "adapters")
    assert all(torch.isfinite(gradient).all() for gradient in found.values())


def test_all_trained_tensors_get_gradients_from_pictures_and_videos(model: LynxModel) -> None:
    model.set_trainable(NEW_PARTS | {"vision_encoder"})
    found = gradients(model, batch_of([mixed_documents()]))
    assert all(gradient.abs().max() > 0 for gradient in found.values())
    assert {part_of(name) for name in found} == NEW_PARTS | {"vision_encoder"}


def test_gradient_checkpointing_gives_the_same_gradients(tmp_path: Path) -> None:
    batch, found = batch_of([mixed_documents()]), []
    for switch in (False, True):
        config = tiny_config(tmp_path, {"hardware.gradient_checkpointing": switch})
        model = build_model(config, seed=0)
        model.set_trainable(NEW_PARTS | {"vision_encoder"})
        found.append(gradients(model.train(), batch))
    for name, gradient in found[0].items():
        torch.testing.assert_close(gradient, found[1][name])


def test_more_frames_than_positions_is_a_clear_error(model: LynxModel) -> None:
    with pytest.raises(LynxError, match="a video of 6 frames"):
        model(batch_of([[document(1, num_frames=6)]]))


def test_the_encoder_is_blip2s_without_the_final_norm_at_any_size(tmp_path: Path) -> None:
    folder = write_vision_encoder(tmp_path / "vit")
    own = load_vision_encoder(folder, attention="eager").eval()
    stock = Blip2VisionModel.from_pretrained(folder, dtype=torch.float32).eval()
    stock.post_layernorm = torch.nn.Identity()
    for size in (28, 56):
        pictures = torch.randn(2, 3, size, size)
        expected = stock(pictures, interpolate_pos_encoding=True).last_hidden_state
        assert expected.shape == (2, 1 + (size // 14) ** 2, 32)
        torch.testing.assert_close(own(pictures), expected, atol=2e-5, rtol=1e-4)


def test_drop_path_acts_in_training_only(tmp_path: Path) -> None:
    folder = write_vision_encoder(tmp_path / "vit")
    encoder = load_vision_encoder(folder, attention="eager", drop_path_rate=0.5)
    pictures = torch.randn(4, 3, 28, 28)
    assert torch.equal(encoder.eval()(pictures), encoder(pictures))
    assert not torch.equal(encoder.train()(pictures), encoder(pictures))


def test_full_size_has_the_papers_parameter_counts() -> None:
    vicuna = {
        "vocab_size": 32001, "hidden_size": 4096, "intermediate_size": 11008,
        "num_hidden_layers": 32, "num_attention_heads": 32,
    }  # fmt: skip
    settings = tiny_config(None).model
    model = meta_model(
        vision_settings={"image_size": 420}, language_settings=vicuna, settings=settings
    )
    assert parameter_counts(model) == {
        "vision_encoder": 986_801_280,
        "resampler": 419_758_336,
        "frame_positions": 7_040,
        "adapters": 268_664_848,
        "language_model": 6_738_415_616 + 8_192,
    }
    assert sum(parameter_counts(model).values()) == 8_413_655_312
    model.set_trainable(NEW_PARTS)
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert trained == 688_430_224
