"""Tests of the vision encoder's slot: EVA's shape and any other tower of `transformers`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModel,
    CLIPConfig,
    CLIPModel,
    CLIPVisionConfig,
    Dinov2Config,
    PretrainedConfig,
    Siglip2VisionConfig,
    SiglipVisionConfig,
    ViTConfig,
    ViTMAEConfig,
)
from transformers.models.aimv2.configuration_aimv2 import Aimv2VisionConfig

from lynx.config.errors import LynxError
from lynx.config.known_backbones import known_backbones
from lynx.model.build import build_model, meta_model_of, parameter_counts
from lynx.model.checkpoint import load_trained_parts, save_trained_parts
from lynx.model.lynx import LynxModel
from lynx.model.vision_loading import empty_vision_encoder, load_vision_encoder
from tests.tiny import (
    TOWER_SIZES,
    batch_of,
    document,
    tiny_config,
    write_clip_tower,
    write_tower,
    write_vision_encoder,
)

TOWERS: dict[str, PretrainedConfig] = {
    "clip": CLIPVisionConfig(**TOWER_SIZES, intermediate_size=64),
    "siglip": SiglipVisionConfig(**TOWER_SIZES, intermediate_size=64),
    "dinov2": Dinov2Config(**TOWER_SIZES, mlp_ratio=2),
    "vit": ViTConfig(**TOWER_SIZES, intermediate_size=64),
}
NUM_EXTRA = {"clip": 1, "siglip": 0, "dinov2": 1, "vit": 1}  # tokens beside the patches'


def other_tower(folder: Path, name: str) -> dict[str, Any]:
    """Overrides of a configuration with that tower."""
    return {"model.vision_encoder.checkpoint": str(write_tower(folder / name, TOWERS[name]))}


@pytest.mark.parametrize("feature_layer", [-1, -2])
@pytest.mark.parametrize("name", TOWERS)
def test_a_tower_gives_the_hidden_state_of_the_asked_block(
    tmp_path: Path, name: str, feature_layer: int
) -> None:
    folder = write_tower(tmp_path, TOWERS[name])
    own = load_vision_encoder(folder, attention="eager", feature_layer=feature_layer).eval()
    stock = AutoModel.from_pretrained(folder).eval()
    assert own.config._attn_implementation == "eager"
    for size in (28, 56):
        pictures = torch.randn(2, 3, size, size)
        also = {} if name == "dinov2" else {"interpolate_pos_encoding": True}
        states = stock(pictures, output_hidden_states=True, **also).hidden_states
        assert len(states) == 1 + 3  # embeddings and three blocks
        features = own(pictures)
        assert features.shape == (2, NUM_EXTRA[name] + (size // 14) ** 2, 32)
        torch.testing.assert_close(features, states[feature_layer], atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("name", TOWERS)
def test_no_parameter_is_left_that_no_loss_reaches(tmp_path: Path, name: str) -> None:
    encoder = load_vision_encoder(
        write_tower(tmp_path, TOWERS[name]), attention="sdpa", feature_layer=-2
    )
    encoder(torch.randn(2, 3, 56, 56)).square().sum().backward()
    assert all(parameter.grad is not None for parameter in encoder.parameters())
    assert sum(1 for name, _ in encoder.named_parameters() if ".2." in name) == 0


@pytest.mark.parametrize("name", TOWERS)
@pytest.mark.parametrize("feature_layer", [-1, -2])
def test_counting_needs_no_weights(tmp_path: Path, name: str, feature_layer: int) -> None:
    folder = write_tower(tmp_path, TOWERS[name])
    loaded = load_vision_encoder(folder, attention="sdpa", feature_layer=feature_layer)
    settings = json.loads((folder / "config.json").read_text())
    empty = empty_vision_encoder(settings, feature_layer=feature_layer)
    assert {n: p.shape for n, p in empty.named_parameters()} == {
        n: p.shape for n, p in loaded.named_parameters()
    }
    assert all(parameter.is_meta for parameter in empty.parameters())
    wider = empty_vision_encoder(settings, image_size=56, feature_layer=feature_layer)
    grown = sum(p.numel() for p in wider.parameters()) - sum(p.numel() for p in empty.parameters())
    assert grown == (16 - 4) * 32


def test_the_tower_inside_a_whole_clip(tmp_path: Path) -> None:
    text = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 9}
    config = CLIPConfig(vision_config=TOWERS["clip"].to_dict(), text_config=text)
    torch.manual_seed(0)
    whole = CLIPModel(config).eval()
    whole.save_pretrained(tmp_path)
    own = load_vision_encoder(tmp_path, attention="eager", feature_layer=-2).eval()
    pictures = torch.randn(2, 3, 28, 28)
    states = whole.vision_model(pictures, output_hidden_states=True).hidden_states
    torch.testing.assert_close(own(pictures), states[-2], atol=2e-5, rtol=1e-4)
    settings = json.loads((tmp_path / "config.json").read_text())
    empty = empty_vision_encoder(settings, image_size=56, feature_layer=-2)
    table = dict(empty.named_parameters())["model.embeddings.position_embedding.weight"]
    assert table.shape == (1 + 16, 32)


@pytest.mark.parametrize(
    ("kind", "message"),
    [("blip-2", "lynx backbones convert"), ("clop", "Unrecognized model identifier: clop.$")],
)
def test_a_kind_of_model_that_holds_no_tower_is_refused(
    tmp_path: Path, kind: str, message: str
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": kind}))
    with pytest.raises(LynxError, match=message):
        load_vision_encoder(tmp_path, attention="sdpa")


def test_gradient_checkpointing_changes_no_gradient(tmp_path: Path) -> None:
    batch = batch_of([[document(1, num_frames=1), document(2, num_frames=2)]])
    found = []
    for checkpointing in (False, True):
        changes = {
            **other_tower(tmp_path, "clip"),
            "hardware.gradient_checkpointing": checkpointing,
            "model.vision_encoder.feature_layer": -2,
        }
        model = build_model(tiny_config(tmp_path, changes), seed=0)
        model.set_trainable({"vision_encoder", "resampler", "frame_positions", "adapters"})
        model.train()(batch)[0].sum().backward()
        found.append({n: p.grad for n, p in model.named_parameters() if p.requires_grad})
    for name, gradient in found[0].items():
        assert gradient is not None, name
        torch.testing.assert_close(gradient, found[1][name])


@pytest.mark.parametrize("name", ["clip", "siglip"])
def test_drop_path_acts_in_training_only(tmp_path: Path, name: str) -> None:
    encoder = load_vision_encoder(
        write_tower(tmp_path, TOWERS[name]), attention="eager", drop_path_rate=0.5
    )
    pictures = torch.randn(4, 3, 28, 28)
    assert torch.equal(encoder.eval()(pictures), encoder(pictures))
    assert not torch.equal(encoder.train()(pictures), encoder(pictures))


def test_drop_path_is_refused_where_blocks_are_built_otherwise(tmp_path: Path) -> None:
    folder = write_tower(tmp_path, TOWERS["dinov2"])
    with pytest.raises(LynxError, match=r"drop_path_rate: 0.1.*not for dinov2"):
        load_vision_encoder(folder, attention="eager", drop_path_rate=0.1)


@pytest.mark.parametrize("feature_layer", [-4, -30])
def test_a_block_that_is_not_there_is_refused(tmp_path: Path, feature_layer: int) -> None:
    folder = write_clip_tower(tmp_path)
    with pytest.raises(LynxError, match=rf"feature_layer: {feature_layer}.*3 blocks"):
        load_vision_encoder(folder, attention="eager", feature_layer=feature_layer)


def test_evas_later_blocks_are_left_in_the_file(tmp_path: Path) -> None:
    folder = write_vision_encoder(tmp_path)
    whole, cut = (
        load_vision_encoder(folder, attention="eager", feature_layer=layer).eval()
        for layer in (-1, -2)
    )
    assert len(cut.model.encoder.layers) == 1
    states: list[torch.Tensor] = []
    whole.model.encoder.layers[0].register_forward_hook(lambda *call: states.append(call[2]))
    pictures = torch.randn(2, 3, 28, 28)
    whole(pictures)
    assert torch.equal(cut(pictures), states[0])


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (Siglip2VisionConfig(**TOWER_SIZES), "doesn't read pictures"),  # wants patches
        (ViTMAEConfig(**TOWER_SIZES), "last block"),  # hides three patches of four
        (CLIPVisionConfig(**{**TOWER_SIZES, "patch_size": 7}), "patches of 7 pixels"),
        (Aimv2VisionConfig(**TOWER_SIZES), "reads pictures of 28 pixels only"),
    ],
)
def test_what_cannot_serve_is_refused_when_the_model_is_built(
    tmp_path: Path, config: PretrainedConfig, message: str
) -> None:
    folder = write_tower(tmp_path / "tower", config)
    changes = {"model.vision_encoder.checkpoint": str(folder)}
    with pytest.raises(LynxError, match=message):
        build_model(tiny_config(tmp_path, changes), seed=0)


def test_a_language_model_in_the_slot_is_refused(tmp_path: Path) -> None:
    config = tiny_config(tmp_path)
    changes = {"model.vision_encoder.checkpoint": config.model.language_model.checkpoint}
    with pytest.raises(LynxError, match="llama can't serve as a vision encoder"):
        build_model(tiny_config(tmp_path, changes), seed=0)


def test_a_tower_whose_weights_lack_a_tensor_is_refused(tmp_path: Path) -> None:
    folder = write_clip_tower(tmp_path)
    weights = load_file(folder / "model.safetensors")
    lost = next(name for name in weights if "layers.1.mlp.fc1.weight" in name)
    del weights[lost]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(LynxError, match=r"lack 1 tensors.*layers.1.mlp.fc1.weight"):
        load_vision_encoder(folder, attention="eager")
    cut = load_vision_encoder(folder, attention="eager", feature_layer=-3)  # doesn't need it
    assert len(cut.model.encoder.layers) == 1


@pytest.mark.parametrize("key", ["image_mean", "image_std"])
def test_the_checkpoints_own_preprocessing_must_agree(tmp_path: Path, key: str) -> None:
    changes = other_tower(tmp_path, "clip")
    folder = Path(changes["model.vision_encoder.checkpoint"])
    half = [0.5, 0.5, 0.5]
    (folder / "preprocessor_config.json").write_text(json.dumps({key: half}))
    with pytest.raises(LynxError, match=rf"model.vision_encoder.{key}.*\[0.5, 0.5, 0.5\]"):
        build_model(tiny_config(tmp_path, changes), seed=0)
    build_model(tiny_config(tmp_path, {**changes, f"model.vision_encoder.{key}": half}), seed=0)


def trained(tmp_path: Path, name: str) -> tuple[LynxModel, dict[str, Any]]:
    changes = other_tower(tmp_path, name)
    model = build_model(tiny_config(tmp_path, changes), seed=0)
    model.set_trainable({"vision_encoder", "resampler", "frame_positions", "adapters"})
    with torch.no_grad():
        for parameter in model.vision_encoder.parameters():
            parameter.add_(torch.randn_like(parameter))
    return model, changes


def test_a_trained_tower_is_saved_and_loaded(tmp_path: Path) -> None:
    model, changes = trained(tmp_path, "siglip")
    path = tmp_path / "parts.safetensors"
    save_trained_parts(model, path, metadata={})
    other = build_model(tiny_config(tmp_path, changes), seed=1)
    load_trained_parts(other, path)
    assert model.state_dict().keys() == other.state_dict().keys()
    pictures = torch.randn(1, 3, 28, 28)
    assert torch.equal(model.vision_encoder(pictures), other.vision_encoder(pictures))


def test_a_tower_of_other_weights_does_not_fit_a_checkpoint(tmp_path: Path) -> None:
    changes = other_tower(tmp_path, "clip")
    model = build_model(tiny_config(tmp_path, changes), seed=0)
    model.set_trainable({"resampler"})
    path = tmp_path / "parts.safetensors"
    save_trained_parts(model, path, metadata={})
    shutil.rmtree(changes["model.vision_encoder.checkpoint"])
    write_tower(Path(changes["model.vision_encoder.checkpoint"]), TOWERS["clip"], seed=1)
    with pytest.raises(LynxError, match="trained with the vision_encoder"):
        load_trained_parts(build_model(tiny_config(tmp_path, changes), seed=0), path)


def paper_config(**vision: Any) -> Any:
    changes = {f"model.vision_encoder.{key}": value for key, value in vision.items()}
    changes["model.language_model.checkpoint"] = "lmsys/vicuna-7b-v1.1"
    for stage, size in (("pretrain", 224), ("resolution", 420), ("instruct", 420)):
        changes[f"stages.{stage}.image_size"] = size
    return tiny_config(None, changes)


def test_the_papers_model_is_counted_with_nothing_downloaded() -> None:
    model = meta_model_of(paper_config(checkpoint="backbones/paper/eva_clip_g"))
    assert sum(parameter_counts(model).values()) == 8_413_655_312


def test_clip_in_its_place_is_counted_too() -> None:
    model = meta_model_of(paper_config(checkpoint="openai/clip-vit-large-patch14-336"))
    shape = known_backbones()["clip_vit_l_336"].shape
    width, hidden = shape["hidden_size"], shape["intermediate_size"]
    block = 4 * (width**2 + width) + 2 * width * hidden + hidden + width + 4 * width
    around = width * (3 * 14**2) + width + (1 + 30**2) * width + 2 * width
    assert parameter_counts(model)["vision_encoder"] == around + 24 * block


def test_an_unknown_checkpoint_can_not_be_counted() -> None:
    with pytest.raises(LynxError, match=r"model.vision_encoder.checkpoint: the shape of nowhere"):
        meta_model_of(paper_config(checkpoint="nowhere"))
