"""Tests of position embeddings at other picture sizes, and of encoders in half precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from lynx.model.vision_eva import EvaEncoder
from lynx.model.vision_loading import empty_vision_encoder, load_vision_encoder
from tests.tiny import write_clip_tower, write_vision_encoder


@pytest.mark.parametrize("name", ["clip", "eva"])
def test_half_precision_is_loaded_as_such_and_gives_nearly_the_same(
    tmp_path: Path, name: str
) -> None:
    folder = write_clip_tower(tmp_path) if name == "clip" else write_vision_encoder(tmp_path)
    exact, half = (
        load_vision_encoder(folder, attention="sdpa", dtype=dtype).eval()
        for dtype in (torch.float32, torch.bfloat16)
    )
    kept = {n for n, p in half.named_parameters() if p.dtype == torch.float32}
    assert kept == ({"model.embeddings.position_embedding"} if name == "eva" else set())
    pictures = torch.randn(2, 3, 56, 56)
    features = half(pictures)
    assert features.dtype == torch.bfloat16
    assert torch.nn.functional.cosine_similarity(features.float(), exact(pictures), -1).min() > 0.99


def cubic_weights(source: int, target: int) -> np.ndarray:
    """(target, source) weights of cubic convolution (Keys 1981, a = -0.75), edges repeated.

    Centres of pixels are matched: what torch calls align_corners=False.
    """

    def kernel(x: float) -> float:
        x, a = abs(x), -0.75
        if x <= 1:
            return (a + 2) * x**3 - (a + 3) * x**2 + 1
        return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else 0.0

    weights = np.zeros((target, source))
    for row in range(target):
        centre = (row + 0.5) * source / target - 0.5
        for offset in range(-1, 3):
            column = int(np.floor(centre)) + offset
            weights[row, min(max(column, 0), source - 1)] += kernel(centre - column)
    return weights


def test_positions_are_resized_as_in_the_release_from_16_to_30(tmp_path: Path) -> None:
    config = {"hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 8}
    encoder = empty_vision_encoder({**config, "num_hidden_layers": 1, "image_size": 224})
    encoder = encoder.to_empty(device="cpu")
    embeddings: Any = encoder.model.embeddings
    for parameter in embeddings.parameters():
        torch.nn.init.zeros_(parameter)
    table = torch.randn(1, 1 + 16 * 16, 8)
    embeddings.position_embedding.data.copy_(table)
    pictures = torch.zeros(1, 3, 420, 420)
    found = embeddings(pictures, interpolate_pos_encoding=True)[0].detach().numpy()
    assert found.shape == (1 + 30 * 30, 8)
    weights = cubic_weights(16, 30)
    grid = np.einsum("ia,jb,abc->ijc", weights, weights, table[0, 1:].reshape(16, 16, 8).numpy())
    np.testing.assert_allclose(found[1:], grid.reshape(900, 8), atol=2e-5)
    np.testing.assert_array_equal(found[0], table[0, 0])


def test_the_configuration_tells_the_table_that_a_checkpoint_brought(tmp_path: Path) -> None:
    encoder = load_vision_encoder(write_vision_encoder(tmp_path), attention="sdpa")
    assert isinstance(encoder, EvaEncoder)
    encoder.make_room_for_positions(1 + 7 * 7)
    again = empty_vision_encoder(encoder.config.to_dict())
    assert again.model.embeddings.position_embedding.shape[1] == 1 + 7 * 7
    assert encoder.config.image_size == 7 * encoder.patch_size


def test_positions_are_resized_in_float32_before_they_are_rounded(tmp_path: Path) -> None:
    folder = write_vision_encoder(tmp_path)
    weights = load_file(folder / "model.safetensors")
    weights["embeddings.position_embedding"] *= 10  # far from the patches' own share
    save_file(weights, folder / "model.safetensors")
    exact, half = (
        load_vision_encoder(folder, attention="sdpa", dtype=dtype).model.embeddings
        for dtype in (torch.float32, torch.bfloat16)
    )
    tokens = torch.zeros(1, 1 + 16, 32)
    expected = exact.interpolate_pos_encoding(tokens, 56, 56)
    assert torch.equal(half.interpolate_pos_encoding(tokens, 56, 56), expected)
