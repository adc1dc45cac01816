"""`varlen` attends as a mask does, is given what the kernel needs, and never decodes."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM

from lynx.config.errors import LynxError
from lynx.config.schema import GenerationConfig
from lynx.model import attention
from lynx.model.attention import VARLEN, check_attention
from lynx.model.build import build_model, load_for_evaluation
from lynx.model.checkpoint import save_trained_parts
from lynx.model.lynx import LynxModel
from lynx.model.parts import PARTS
from tests.tiny import TinyBatch, batch_of, document, tiny_config


def model_with(tmp_path: Path, name: str, **hardware: Any) -> LynxModel:
    changes = {f"hardware.{key}": value for key, value in hardware.items()}
    model = build_model(tiny_config(tmp_path, {"hardware.attention": name, **changes}), seed=0)
    model.set_trainable(PARTS)
    return model.train()


def padded_batch() -> TinyBatch:
    """Rows of one to three documents, with and without pictures; two rows end in padding."""
    made = [document(n, num_frames=frames) for n, frames in enumerate((1, 0, 5, 1, 0, 2))]
    return batch_of([made[:3], made[3:5], made[5:]])


def step(model: LynxModel, batch: TinyBatch) -> tuple[Tensor, dict[str, Tensor]]:
    losses, _ = model(batch)
    losses.sum().backward()
    return losses.detach(), {n: p.grad for n, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("checkpointing", [False, True])
def test_varlen_gives_the_losses_and_gradients_of_a_mask(
    tmp_path: Path, checkpointing: bool
) -> None:
    batch = padded_batch()
    assert (batch.document_ids == 0).any(dim=1).sum() == 2
    expected, gradients = step(model_with(tmp_path, "eager"), batch)
    model = model_with(tmp_path, VARLEN, gradient_checkpointing=checkpointing)
    losses, found = step(model, batch)
    torch.testing.assert_close(losses, expected, atol=1e-5, rtol=0)
    assert found.keys() == gradients.keys()
    for name, gradient in found.items():
        scale = max(1.0, float(gradients[name].abs().max()))
        torch.testing.assert_close(gradient, gradients[name], atol=1e-5 * scale, rtol=0)


def test_varlen_gives_the_losses_of_a_mask_on_text_alone(tmp_path: Path) -> None:
    batch = batch_of([[document(n, num_frames=0) for n in range(3)]])
    expected, _ = model_with(tmp_path, "eager")(batch)
    losses, _ = model_with(tmp_path, VARLEN)(batch)
    torch.testing.assert_close(losses, expected, atol=1e-5, rtol=0)


def test_the_kernel_gets_bfloat16_where_the_residual_stream_is_float32(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attend, types = attention._one_by_one, set()

    def watched(*given: Any) -> Tensor:
        types.update(one.dtype for one in given[:3])
        return attend(*given)

    monkeypatch.setattr(attention, "_one_by_one", watched)
    batch, found = padded_batch(), []
    for name in ("eager", VARLEN):
        model = model_with(tmp_path, name)
        with torch.autocast("cpu", torch.bfloat16):
            found.append(model(batch)[0])
    torch.testing.assert_close(*found, atol=0.1, rtol=0)
    assert types == {torch.bfloat16}


def grouped(name: str) -> LlamaForCausalLM:
    """Four heads of queries share two of keys and values."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=50, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, attn_implementation=name,
    )  # fmt: skip
    return LlamaForCausalLM(config)


def test_varlen_shares_keys_among_heads_as_a_mask_does() -> None:
    batch, hidden = padded_batch(), []
    for name in ("eager", VARLEN):
        arguments = attention.document_attention(batch, attention=name, dtype=torch.float32)
        model = grouped(name).model
        hidden.append(model(batch.input_ids, position_ids=batch.position_ids, **arguments)[0])
    torch.testing.assert_close(*hidden, atol=1e-5, rtol=0)


def stand_in(
    query: Tensor, key: Tensor, value: Tensor, cu_q: Tensor, cu_k: Tensor, max_q: int, max_k: int,
    *, scale: float, window_size: tuple[int, int], enable_gqa: bool,
) -> Tensor:  # fmt: skip
    """What torch documents of its kernel, slowly: documents laid end to end, causal."""
    assert window_size == (-1, 0)
    assert cu_q.dtype == cu_k.dtype == torch.int32 and cu_q[-1] == len(query)
    assert max_q == max_k == int(cu_q.diff().max())
    groups = query.shape[1] // key.shape[1]
    assert enable_gqa == (groups > 1)
    key, value = (one.repeat_interleave(groups, dim=1) for one in (key, value))
    scores = torch.einsum("qhd,khd->hqk", query.float(), key.float()) * scale
    places = torch.arange(len(query))
    document = torch.bucketize(places, cu_q[1:], right=True)
    seen = (document[:, None] == document) & (places[:, None] >= places)
    weights = scores.masked_fill(~seen, float("-inf")).softmax(dim=-1)
    return torch.einsum("hqk,khd->qhd", weights, value.float()).to(query.dtype)


@pytest.mark.parametrize("num_key_heads", [4, 2])
def test_the_kernel_is_given_the_documents(
    monkeypatch: pytest.MonkeyPatch, num_key_heads: int
) -> None:
    monkeypatch.setattr("torch.nn.attention.varlen.varlen_attn", stand_in)
    bounds = torch.tensor([0, 3, 4, 9], dtype=torch.int32)
    q, k, v = (torch.randn(9, heads, 8) for heads in (4, num_key_heads, num_key_heads))
    q, k, v = (one.to(torch.bfloat16) for one in (q, k, v))
    found, expected = (
        attend(q, k, v, bounds, 5, 0.25) for attend in (attention._by_kernel, attention._one_by_one)
    )
    torch.testing.assert_close(found, expected, atol=0.02, rtol=0)


def on_meta(model: LynxModel, batch: TinyBatch) -> tuple[LynxModel, TinyBatch]:
    """Both without data, but for num_frames: who asks for a value, as a GPU would, fails."""
    fields = vars(batch).items()
    moved = {
        n: v.to("meta") if isinstance(v, Tensor) and n != "num_frames" else v for n, v in fields
    }
    return model.to("meta"), TinyBatch(**moved)


@pytest.mark.parametrize("name", ["eager", "sdpa", VARLEN])
def test_a_step_asks_the_device_for_no_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A GPU that is asked ends all its work first. Torch's kernel is asked for shapes on the way,
    forward and backward."""
    monkeypatch.setattr(attention, "_one_by_one", attention._by_kernel)
    model, batch = on_meta(model_with(tmp_path, name), padded_batch())
    losses, gradients = step(model.bfloat16(), batch)
    assert losses.shape == batch.target_places.shape
    assert gradients.keys() == dict(model.named_parameters()).keys()


def test_a_model_with_varlen_answers_as_one_with_sdpa(tmp_path: Path) -> None:
    def answers(name: str) -> list[list[int]]:
        model = model_with(tmp_path, name)
        found = model.generate(
            pixel_values=torch.linspace(-1, 1, 3 * 28 * 28).reshape(1, 3, 28, 28),
            num_frames=torch.tensor([1]),
            prompts=[[1, 5, 6, 7], [1, 9]],
            has_vision=[True, False],
            settings=asdict(GenerationConfig(max_new_tokens=6)),
            seeds=[0, 0],
        )
        assert model.language_model.config._attn_implementation == name
        return found

    assert answers(VARLEN) == answers("sdpa")


def test_varlen_refuses_to_decode(tmp_path: Path) -> None:
    model = model_with(tmp_path, VARLEN)
    with pytest.raises(LynxError, match=r"hardware\.attention: varlen .* choose sdpa"):
        model.language_model(torch.tensor([[1, 5]]))


def test_pictures_and_evaluation_take_sdpa_in_the_place_of_varlen(tmp_path: Path) -> None:
    model = model_with(tmp_path, VARLEN)
    assert model.vision_encoder.model.config._attn_implementation == "sdpa"
    path = tmp_path / "trained.safetensors"
    save_trained_parts(model, path, metadata={})
    loaded = load_for_evaluation(tiny_config(tmp_path, {"hardware.attention": VARLEN}), path)
    assert loaded.language_model.config._attn_implementation == "sdpa"


def test_a_torch_without_the_kernel_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    check_attention(VARLEN)
    monkeypatch.setattr("torch.nn.attention.varlen.varlen_attn", functional.relu)
    check_attention("sdpa")
    with pytest.raises(LynxError, match=r"varlen needs torch 2\.12 or newer"):
        check_attention(VARLEN)


def test_the_kernel_takes_no_float32() -> None:
    bounds = torch.tensor([0, 3], dtype=torch.int32)
    with pytest.raises(LynxError, match=r"half precision, not in torch\.float32"):
        attention._by_kernel(*torch.randn(3, 3, 1, 8), bounds, 3, 1.0)
