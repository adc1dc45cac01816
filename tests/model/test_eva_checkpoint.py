"""Tests of turning published weights of EVA-01 g and BLIP-2 into a vision encoder's folder."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional
from transformers import (
    Blip2Config,
    Blip2ForConditionalGeneration,
    Blip2Model,
    Blip2VisionConfig,
    Blip2VisionModel,
)

from lynx.config.errors import LynxError
from lynx.model.eva_checkpoint import convert_eva_checkpoint
from lynx.model.vision_loading import load_vision_encoder

WIDTH, HIDDEN, HEADS = 176, 192, 2  # heads of 88, as EVA-01 g's


def eva_weights(*, blocks: int = 3, grid: int = 2) -> dict[str, Tensor]:
    """A state dict as EVA's code saves it after its pretraining, in half precision."""
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator).mul(0.2).half()

    weights = {
        "cls_token": draw(1, 1, WIDTH),
        "pos_embed": draw(1, grid**2 + 1, WIDTH),
        "mask_token": draw(1, 1, WIDTH),
        "patch_embed.proj.weight": draw(WIDTH, 3, 14, 14),
        "patch_embed.proj.bias": draw(WIDTH),
        "norm.weight": draw(WIDTH),
        "norm.bias": draw(WIDTH),
        "lm_head.weight": draw(7, WIDTH),
        "lm_head.bias": draw(7),
    }
    shapes = {
        "norm1.weight": (WIDTH,), "norm1.bias": (WIDTH,),
        "norm2.weight": (WIDTH,), "norm2.bias": (WIDTH,),
        "attn.q_bias": (WIDTH,), "attn.v_bias": (WIDTH,),
        "attn.qkv.weight": (3 * WIDTH, WIDTH),
        "attn.proj.weight": (WIDTH, WIDTH), "attn.proj.bias": (WIDTH,),
        "mlp.fc1.weight": (HIDDEN, WIDTH), "mlp.fc1.bias": (HIDDEN,),
        "mlp.fc2.weight": (WIDTH, HIDDEN), "mlp.fc2.bias": (WIDTH,),
    }  # fmt: skip
    for block in range(blocks):
        weights |= {f"blocks.{block}.{name}": draw(*shape) for name, shape in shapes.items()}
    return weights


def eva_features(weights: dict[str, Tensor], pictures: Tensor, *, blocks: int) -> Tensor:
    """The forward pass of EVA's code, written down from its description: no norm at the end."""
    w = {name: tensor.float() for name, tensor in weights.items()}
    stream = functional.conv2d(
        pictures, w["patch_embed.proj.weight"], w["patch_embed.proj.bias"], stride=14
    )
    stream = stream.flatten(2).transpose(1, 2)
    stream = torch.cat([w["cls_token"].expand(len(pictures), 1, WIDTH), stream], 1) + w["pos_embed"]

    def norm(x: Tensor, name: str) -> Tensor:
        return functional.layer_norm(x, (WIDTH,), w[f"{name}.weight"], w[f"{name}.bias"], 1e-6)

    def heads(x: Tensor) -> Tensor:
        return x.unflatten(-1, (HEADS, -1)).transpose(1, 2)

    for block in range(blocks):
        b = f"blocks.{block}"
        q, k, v = w[f"{b}.attn.qkv.weight"].chunk(3)
        x = norm(stream, f"{b}.norm1")
        queries, keys = heads(x @ q.T + w[f"{b}.attn.q_bias"]), heads(x @ k.T)
        values = heads(x @ v.T + w[f"{b}.attn.v_bias"])
        shares = (queries @ keys.transpose(-1, -2) / 88**0.5).softmax(-1)
        x = (shares @ values).transpose(1, 2).flatten(2)
        stream = stream + x @ w[f"{b}.attn.proj.weight"].T + w[f"{b}.attn.proj.bias"]
        x = norm(stream, f"{b}.norm2") @ w[f"{b}.mlp.fc1.weight"].T + w[f"{b}.mlp.fc1.bias"]
        x = functional.gelu(x) @ w[f"{b}.mlp.fc2.weight"].T + w[f"{b}.mlp.fc2.bias"]
        stream = stream + x
    return stream


def saved(path: Path, content: Any, **options: Any) -> Path:
    torch.save(content, path, **options)
    return path


def blip2_config(num_blocks: int = 2) -> Blip2Config:
    vision = Blip2VisionConfig(
        hidden_size=WIDTH, intermediate_size=HIDDEN, num_hidden_layers=num_blocks,
        num_attention_heads=HEADS, image_size=28, initializer_range=0.2,
    )  # fmt: skip
    small = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 50}
    return Blip2Config(
        vision_config=vision.to_dict(),
        qformer_config={**small, "intermediate_size": 32, "encoder_hidden_size": WIDTH},
        text_config={**small, "model_type": "opt", "ffn_dim": 32, "word_embed_proj_dim": 32},
    )


def test_the_folder_computes_what_eva_does_without_its_last_block(tmp_path: Path) -> None:
    weights = eva_weights()
    done = convert_eva_checkpoint(
        saved(tmp_path / "eva.pt", weights), tmp_path / "vit", num_layers=2
    )
    assert (done.num_layers, done.dtypes) == (2, ("float16",))
    own = load_vision_encoder(tmp_path / "vit", attention="sdpa").eval()
    pictures = torch.randn(2, 3, 28, 28)
    expected = eva_features(weights, pictures, blocks=2)
    torch.testing.assert_close(own(pictures), expected, atol=1e-4, rtol=1e-4)
    stock = Blip2VisionModel.from_pretrained(tmp_path / "vit", dtype=torch.float32).eval()
    stock.post_layernorm = torch.nn.Identity()
    torch.testing.assert_close(stock(pictures).last_hidden_state, expected, atol=1e-4, rtol=1e-4)


def test_nothing_is_left_out_without_a_reason(tmp_path: Path) -> None:
    weights = eva_weights()
    source = saved(tmp_path / "eva.pt", {"module": weights, "epoch": 150})
    done = convert_eva_checkpoint(source, tmp_path / "vit", num_layers=2)
    left_out = {name for names in done.ignored.values() for name in names}
    assert {*done.kept} | left_out == weights.keys() | {"epoch"}
    assert not {*done.kept} & left_out
    assert {name for name in left_out if not name.startswith("blocks.2.")} == {
        "mask_token", "norm.weight", "norm.bias", "lm_head.weight", "lm_head.bias", "epoch",
    }  # fmt: skip
    assert len(done.ignored["blocks after the first 2"]) == 13


@pytest.mark.parametrize("prefix", ["visual.", "visual_encoder."])
def test_a_larger_models_tower_is_taken_alone(tmp_path: Path, prefix: str) -> None:
    weights = {f"{prefix}{name}": tensor for name, tensor in eva_weights(blocks=2).items()}
    beside = {"logit_scale": torch.ones(()), "text.blocks.0.attn.qkv.weight": torch.ones(3)}
    source = saved(tmp_path / "clip.pth", {"model": weights | beside})
    done = convert_eva_checkpoint(source, tmp_path / "vit", num_layers=2)
    assert set(done.ignored["no part of the vision encoder"]) == beside.keys()
    whole = convert_eva_checkpoint(
        saved(tmp_path / "eva.pt", eva_weights(blocks=2)), tmp_path / "same", num_layers=2
    )
    assert len(whole.kept) == len(done.kept)
    found, expected = (load_file(tmp_path / f / "model.safetensors") for f in ("vit", "same"))
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize("kind", [Blip2Model, Blip2ForConditionalGeneration])
def test_the_tower_of_a_hugging_face_blip2_in_several_files(tmp_path: Path, kind: Any) -> None:
    torch.manual_seed(0)
    model = kind(blip2_config()).eval()
    model.save_pretrained(tmp_path / "blip2", max_shard_size="300KB")
    assert len(list((tmp_path / "blip2").glob("*.safetensors"))) > 2
    done = convert_eva_checkpoint(tmp_path / "blip2", tmp_path / "vit", num_layers=None)
    assert done.num_layers == 2 and all("vision_model." in name for name in done.kept)
    own = load_vision_encoder(tmp_path / "vit", attention="eager").eval()
    tower = next(one for one in model.modules() if isinstance(one, Blip2VisionModel))
    tower.post_layernorm = torch.nn.Identity()
    pictures = torch.randn(2, 3, 28, 28)
    expected = tower(pictures).last_hidden_state
    torch.testing.assert_close(own(pictures), expected, atol=2e-5, rtol=1e-4)


def test_a_file_of_an_old_torch_can_be_read_too(tmp_path: Path) -> None:
    weights = eva_weights(blocks=2)
    source = saved(tmp_path / "eva.pt", weights, _use_new_zipfile_serialization=False)
    convert_eva_checkpoint(source, tmp_path / "vit", num_layers=2)
    found = load_file(tmp_path / "vit" / "model.safetensors")
    assert torch.equal(found["embeddings.position_embedding"], weights["pos_embed"])


def test_the_configuration_is_read_from_the_shapes(tmp_path: Path) -> None:
    source = saved(tmp_path / "eva.pt", eva_weights(grid=3))
    convert_eva_checkpoint(source, tmp_path / "vit", num_layers=None)
    assert json.loads((tmp_path / "vit" / "config.json").read_text()) == {
        "model_type": "blip_2_vision_model", "hidden_size": WIDTH, "intermediate_size": HIDDEN,
        "num_hidden_layers": 3, "num_attention_heads": HEADS, "image_size": 42, "patch_size": 14,
        "layer_norm_eps": 1e-6,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"blocks.0.gamma_1": torch.ones(WIDTH)}, "gamma_1"),
        ({"rel_pos_bias.relative_position_bias_table": torch.ones(3)}, "has no place"),
        ({"blocks.1.mlp.fc1.weight": torch.ones(3, 3)}, "mlp.fc1.weight"),
        ({"blocks.0.attn.v_bias": None}, "qkv.bias"),
        ({"blocks.1.norm2.bias": None}, "layer_norm2.bias"),
        ({"pos_embed": None}, "no vision encoder"),
    ],
)
def test_a_tensor_too_many_or_too_few_is_named(
    tmp_path: Path, change: dict[str, Tensor | None], message: str
) -> None:
    weights = {n: t for n, t in (eva_weights() | change).items() if t is not None}
    source = saved(tmp_path / "eva.pt", weights)
    with pytest.raises(LynxError, match=message):
        convert_eva_checkpoint(source, tmp_path / "vit", num_layers=2)
    assert not (tmp_path / "vit").exists()


def test_fewer_blocks_than_wanted_are_an_error(tmp_path: Path) -> None:
    source = saved(tmp_path / "eva.pt", eva_weights())
    with pytest.raises(LynxError, match="has 3 blocks; 39 are wanted"):
        convert_eva_checkpoint(source, tmp_path / "vit")


class Harmful:
    """What runs when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("harm"),))


@pytest.mark.parametrize("content", [b"no checkpoint", b""])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "eva.pt"
    path.write_bytes(content)
    with pytest.raises(LynxError, match="not readable as a checkpoint"):
        convert_eva_checkpoint(path, tmp_path / "vit")


def test_nothing_in_a_file_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = saved(tmp_path / "eva.pt", {"model": eva_weights(), "args": Harmful()})
    with pytest.raises(LynxError, match="not readable as a checkpoint: Weights only"):
        convert_eva_checkpoint(path, tmp_path / "vit")
    assert not (tmp_path / "harm").exists()
    pickle.loads(pickle.dumps(Harmful()))
    assert (tmp_path / "harm").exists()  # it would have been
