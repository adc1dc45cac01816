"""Tests of the names and layouts of the authors' released checkpoints."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lynx.config.errors import LynxError
from lynx.model.build import build_model, meta_model_of
from lynx.model.checkpoint import VISION_POSITIONS
from lynx.model.released import (
    Shape,
    from_released,
    released_names,
    resized_positions,
    to_released,
    with_prefix,
    without_prefix,
)
from lynx.model.released_files import read_released, write_released
from tests.released_toy import PATCH, VISION_WIDTH, state, toy_config


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Shape]:
    """Shapes of the toy variant's parameters."""
    model = meta_model_of(toy_config(tmp_path_factory.mktemp("toy")))
    return {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}


def test_every_tensor_goes_over_and_comes_back_bit_by_bit(expected: dict[str, Shape]) -> None:
    theirs = state(language_model=True)
    found = from_released(theirs, expected=expected)
    assert {name: tuple(tensor.shape) for name, tensor in found.tensors.items()} == expected
    assert not found.missing and not found.unexpected
    back = to_released(found.tensors)
    assert back.keys() == theirs.keys() - set(found.computed)
    assert all(torch.equal(back[name], theirs[name]) for name in back)


def test_projections_are_joined_in_the_order_of_our_qkv(expected: dict[str, Shape]) -> None:
    theirs = state()
    found = from_released(theirs, expected=expected).tensors
    block = "vision_encoder.model.encoder.layers.1.self_attn.qkv"
    q, k, v = found[f"{block}.weight"].chunk(3)
    for role, weight in zip("qkv", (q, k, v), strict=True):
        assert torch.equal(weight, theirs[f"vision_encoder.blocks.1.attn.{role}_proj.weight"])
    assert torch.equal(found[f"{block}.v_bias"], theirs["vision_encoder.blocks.1.attn.v_proj.bias"])
    assert found["frame_positions"].shape == (5, VISION_WIDTH)


def test_what_the_release_computes_anew_is_told_from_what_has_no_place(
    expected: dict[str, Shape],
) -> None:
    theirs = state(language_model=True)
    theirs["LLM.model.layers.1.output_adapter.scaling"] = torch.ones(1)
    theirs["vision_encoder.blocks.3.norm1.weight"] = torch.ones(VISION_WIDTH)
    del theirs["bridge.layers.2.1.3.weight"], theirs["vision_encoder.blocks.0.attn.k_proj.weight"]
    found = from_released(theirs, expected=expected)
    assert found.unexpected == [
        "LLM.model.layers.1.output_adapter.scaling",
        "vision_encoder.blocks.3.norm1.weight",
    ]
    assert set(found.missing) == {
        "resampler.layers.2.feed_forward.down.weight",
        "vision_encoder.model.encoder.layers.0.self_attn.qkv.weight",
    }
    assert found.incomplete == [f"vision_encoder.blocks.0.attn.{one}_proj.weight" for one in "qv"]
    assert len(found.computed) == 5


def test_a_loaded_part_may_be_absent_as_a_whole_but_a_new_one_may_not(
    expected: dict[str, Shape],
) -> None:
    new = {n: t for n, t in state().items() if not n.startswith("vision_encoder.")}
    assert not from_released(new, expected=expected).missing
    without_bridge = {n: t for n, t in new.items() if not n.startswith("bridge.")}
    missing = from_released(without_bridge, expected=expected).missing
    assert len(missing) == sum(name.startswith("resampler.") for name in expected)


@pytest.mark.parametrize(
    ("name", "shape", "key"),
    [
        ("bridge.latents", (32, 64), r"bridge.latents is \[32, 64\].*\[6, 64\].*num_queries"),
        ("absolute_frame_pos_embed", (1, 8, 1, VISION_WIDTH), "model.num_frames"),
        ("vision_encoder.pos_embed", (1, 901, VISION_WIDTH), "stages.instruct.image_size"),
        ("LLM.model.layers.2.output_adapter.adapter_down.bias", (64,), "bottleneck_divisor"),
        ("bridge.layers.0.0.to_q.weight", (256, 64), "model.resampler.num_heads"),
    ],
)
def test_another_size_names_the_tensor_both_shapes_and_the_key(
    expected: dict[str, Shape], name: str, shape: Shape, key: str
) -> None:
    with pytest.raises(LynxError, match=key):
        from_released({**state(), name: torch.zeros(shape)}, expected=expected)


def test_a_piece_whose_others_lack_is_of_the_right_size_too(expected: dict[str, Shape]) -> None:
    theirs = state()
    del theirs["vision_encoder.blocks.0.attn.v_proj.weight"]
    theirs["vision_encoder.blocks.0.attn.q_proj.weight"] = torch.zeros(3, 3)
    with pytest.raises(LynxError, match=r"blocks\.0\.attn\.q_proj\.weight is \[3, 3\]"):
        from_released(theirs, expected=expected)


@pytest.mark.parametrize("prefix", ["", "model.", "model.model."])
def test_the_prefix_is_taken_away_however_often_it_stands_there(prefix: str) -> None:
    theirs = {f"{prefix}{name}": tensor for name, tensor in state(language_model=True).items()}
    assert without_prefix(theirs).keys() == state(language_model=True).keys()


def test_the_prefix_is_taken_away_by_its_characters_as_the_release_does() -> None:
    one = torch.zeros(1)
    assert [*without_prefix({"module.bridge.norm.bias": one})] == ["ule.bridge.norm.bias"]
    with pytest.raises(LynxError, match=r"two tensors are called bridge\.norm\.bias"):
        without_prefix({"bridge.norm.bias": one, "model.bridge.norm.bias": one})
    assert [*with_prefix({"bridge.norm.bias": one})] == ["model.bridge.norm.bias"]
    with pytest.raises(LynxError, match=r"decoder\.bias"):
        with_prefix({"decoder.bias": one})


def test_a_parameter_of_another_vision_tower_has_no_place_in_the_release() -> None:
    with pytest.raises(LynxError, match=r"no place for vision_encoder\.model\.pre_norm\.weight"):
        released_names("vision_encoder.model.pre_norm.weight")
    assert released_names("resampler.norm.bias") == ("bridge.norm.bias",)


def test_positions_are_resized_as_the_encoder_resizes_them(tmp_path: Path) -> None:
    encoder = build_model(toy_config(tmp_path), seed=0).vision_encoder
    table = encoder.get_parameter(VISION_POSITIONS.removeprefix("vision_encoder."))
    with torch.no_grad():
        table.normal_()
    pictures = torch.randn(2, 3, 6 * PATCH, 6 * PATCH)
    before = encoder(pictures)
    resized = resized_positions(table.detach(), 6)
    assert resized.shape == (1, 37, VISION_WIDTH)
    encoder.make_room_for_positions(37)
    with torch.no_grad():
        encoder.get_parameter("model.embeddings.position_embedding").copy_(resized)
    torch.testing.assert_close(encoder(pictures), before)
    assert resized_positions(resized, 6) is resized


def _written(path: Path, content: object) -> Path:
    torch.save(content, path)
    return path


@pytest.mark.parametrize("with_zip", [True, False])
def test_files_are_read_with_the_weights_below_model_or_at_the_top(
    tmp_path: Path, with_zip: bool
) -> None:
    path = tmp_path / "one.pt"
    content = {"model": {**state(), "epoch": 3}, "optimizer": {"lr": 0.1}}
    torch.save(content, path, _use_new_zipfile_serialization=with_zip)
    nested = read_released(path)
    write_released(tmp_path / "two.pt", state())
    flat = read_released(tmp_path / "two.pt")
    assert nested.others == ["epoch", "optimizer"] and flat.others == []
    for found in (nested, flat):
        assert found.tensors.keys() == state().keys()
        assert all(torch.equal(found.tensors[name], t) for name, t in state().items())
    assert {*torch.load(tmp_path / "two.pt", weights_only=True)} == {f"model.{n}" for n in state()}
    assert not list(tmp_path.glob(".*.tmp"))


class _Opaque:
    """What unpickling would need code for."""


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"model": {"bridge.norm.bias": _Opaque()}}, "not readable as weights"),
        ({"epoch": 3}, "holds no tensors; its keys are epoch"),
        ([torch.zeros(1)], "holds a list"),
    ],
)
def test_a_file_of_something_else_is_a_clear_error(
    tmp_path: Path, content: object, reason: str
) -> None:
    with pytest.raises(LynxError, match=reason):
        read_released(_written(tmp_path / "one.pt", content))
    with pytest.raises(LynxError, match="no such file"):
        read_released(tmp_path / "nowhere.pt")


def test_a_cut_file_is_a_clear_error(tmp_path: Path) -> None:
    path = _written(tmp_path / "one.pt", state())
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(LynxError, match="not readable as weights"):
        read_released(path)
