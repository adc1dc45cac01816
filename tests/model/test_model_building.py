"""Tests of how the model's parts are drawn, loaded, saved and told apart."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import LlamaForCausalLM

from lynx.config.errors import LynxError
from lynx.model.build import build_model, load_for_evaluation, load_tokenizer
from lynx.model.checkpoint import (
    load_trained_parts,
    read_metadata,
    save_trained_parts,
    weights_identity,
)
from lynx.model.lynx import LynxModel
from lynx.model.parts import part_of
from tests.tiny import batch_of, document, tiny_config, write_language_model, write_vision_encoder

STAGE_ONE = {"resampler", "frame_positions", "adapters"}


def trained_model(tmp_path: Path) -> LynxModel:
    """A model whose trained parts differ from their initial values."""
    model = build_model(tiny_config(tmp_path), seed=0)
    model.set_trainable(STAGE_ONE)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter))
    return model


def new_parts(model: LynxModel) -> dict[str, torch.Tensor]:
    return {name: p for name, p in model.named_parameters() if part_of(name) in STAGE_ONE}


def test_new_parts_are_shared_by_variants_with_another_language_model(tmp_path: Path) -> None:
    first = build_model(tiny_config(tmp_path), seed=0)
    folder = write_language_model(tmp_path / "other", seed=5)
    changed = {"model.language_model.checkpoint": str(folder)}
    second = build_model(tiny_config(tmp_path, changed), seed=0)
    assert all(torch.equal(p, new_parts(second)[name]) for name, p in new_parts(first).items())
    embeddings = [m.language_model.get_input_embeddings().weight for m in (first, second)]
    assert not torch.equal(*embeddings)


def test_another_seed_draws_other_new_parts_and_adapters_differ_by_layer(tmp_path: Path) -> None:
    config = tiny_config(tmp_path, {"model.adapter.every_n_layers": 1})
    first, second = build_model(config, seed=0), build_model(config, seed=1)
    assert not torch.equal(first.resampler.queries, second.resampler.queries)
    layers = first.language_model.model.layers
    assert not torch.equal(layers[0].output_adapter.up.weight, layers[1].output_adapter.up.weight)


def test_zero_adapters_leave_the_language_model_as_it_was(tmp_path: Path) -> None:
    ids = torch.arange(4, 20)[None]
    bare = LlamaForCausalLM.from_pretrained(
        tiny_config(tmp_path).model.language_model.checkpoint, attn_implementation="eager"
    )
    zero, paper = (
        build_model(tiny_config(tmp_path, {"model.adapter.init": init}), seed=0)
        for init in ("zero", "paper")
    )
    assert torch.equal(bare(ids).logits, zero.language_model(ids).logits)
    assert not torch.allclose(bare(ids).logits, paper.language_model(ids).logits)


def test_a_checkpoint_holds_the_trained_parts_alone_and_restores_them(tmp_path: Path) -> None:
    model, path = trained_model(tmp_path), tmp_path / "trained.safetensors"
    save_trained_parts(model, path, metadata={"stage": "pretrain"})
    fresh = build_model(tiny_config(tmp_path), seed=3)
    header = load_trained_parts(fresh, path)
    assert header["stage"] == "pretrain"
    assert set(header["parts"]) == STAGE_ONE == fresh.trained_parts
    assert all(torch.equal(p, new_parts(fresh)[name]) for name, p in new_parts(model).items())
    batch = batch_of([[document(1, num_frames=2)]])
    assert torch.equal(model.eval()(batch)[0], fresh.eval()(batch)[0])
    assert not list(tmp_path.glob("*.tmp"))


def test_a_checkpoint_over_other_frozen_weights_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "trained.safetensors"
    save_trained_parts(trained_model(tmp_path), path, metadata={})
    other = write_vision_encoder(tmp_path / "other_vit", seed=4)
    config = tiny_config(tmp_path, {"model.vision_encoder.checkpoint": str(other)})
    with pytest.raises(LynxError, match=r"trained with the vision_encoder .* holds"):
        load_trained_parts(build_model(config, seed=0), path)


def test_a_trained_vision_encoder_needs_no_identity(tmp_path: Path) -> None:
    path, model = tmp_path / "trained.safetensors", trained_model(tmp_path)
    model.set_trainable(STAGE_ONE | {"vision_encoder"})
    model.set_trainable(STAGE_ONE)  # frozen again, as in stage three; still part of the checkpoint
    save_trained_parts(model, path, metadata={})
    assert "vision_encoder" in read_metadata(path)["parts"]
    other = write_vision_encoder(tmp_path / "other_vit", seed=4)
    config = tiny_config(tmp_path, {"model.vision_encoder.checkpoint": str(other)})
    fresh = build_model(config, seed=0)
    load_trained_parts(fresh, path)
    batch = batch_of([[document(1, num_frames=1)]])
    assert torch.equal(model.eval()(batch)[0], fresh.eval()(batch)[0])


def test_a_checkpoint_of_another_size_names_a_tensor(tmp_path: Path) -> None:
    path = tmp_path / "trained.safetensors"
    save_trained_parts(trained_model(tmp_path), path, metadata={})
    config = tiny_config(tmp_path, {"model.resampler.num_layers": 2})
    with pytest.raises(LynxError, match=r"such as resampler\.layers\.1"):
        load_trained_parts(build_model(config, seed=0), path)


def test_a_cut_checkpoint_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "trained.safetensors"
    save_trained_parts(trained_model(tmp_path), path, metadata={})
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(LynxError, match=r"not readable as safetensors.*; it is damaged: copy it"):
        load_trained_parts(build_model(tiny_config(tmp_path), seed=0), path)


def test_frozen_parts_alone_are_held_in_the_frozen_dtype(tmp_path: Path) -> None:
    config = tiny_config(tmp_path, {"hardware.frozen_dtype": "bf16"})
    model = build_model(config, seed=0)
    found = {part_of(name): p.dtype for name, p in model.named_parameters()}
    assert found.pop("language_model") == torch.bfloat16
    assert set(found.values()) == {torch.float32}  # stage two trains the vision encoder
    model.set_trainable(STAGE_ONE)
    losses, _ = model(batch_of([[document(1, num_frames=2)]]))
    assert losses.dtype == torch.float32
    losses.sum().backward()


def test_evaluation_on_the_cpu_computes_in_float32(tmp_path: Path) -> None:
    path = tmp_path / "trained.safetensors"
    save_trained_parts(trained_model(tmp_path), path, metadata={})
    config = tiny_config(tmp_path, {"hardware.frozen_dtype": "bf16"})
    model = load_for_evaluation(config, path)
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert not any(p.requires_grad for p in model.parameters())


def test_a_missing_pad_token_is_added_with_mean_rows(tmp_path: Path) -> None:
    folder = write_language_model(tmp_path / "no_pad", with_pad=False)
    config = tiny_config(tmp_path, {"model.language_model.checkpoint": str(folder)})
    tokenizer = load_tokenizer(str(folder))
    model = build_model(config, seed=0).language_model
    assert tokenizer.pad_token == "[PAD]"
    rows = model.get_input_embeddings().weight
    assert len(rows) == len(tokenizer) == tokenizer.pad_token_id + 1
    torch.testing.assert_close(rows[-1], rows[:-1].mean(dim=0))


@pytest.mark.parametrize(
    "key", ["model.vision_encoder.checkpoint", "model.language_model.checkpoint"]
)
def test_a_missing_backbone_names_the_key_and_the_folder(tmp_path: Path, key: str) -> None:
    config = tiny_config(tmp_path, {key: str(tmp_path / "nowhere")})
    with pytest.raises(LynxError, match=rf"{key}.*nowhere"):
        build_model(config, seed=0)


@pytest.mark.parametrize(
    "name",
    ["config.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"],
)
def test_settings_of_model_and_tokenizer_are_part_of_the_identity(
    tmp_path: Path, name: str
) -> None:
    folder = write_language_model(tmp_path / "llama")
    before = weights_identity(folder)
    (folder / name).write_text('{"changed": true}')
    assert weights_identity(folder) != before
