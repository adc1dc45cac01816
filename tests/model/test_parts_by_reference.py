"""Tests of resampler and adapters against independent references, with the same weights."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from lynx.model.adapters import ATTRIBUTE, Adapter
from lynx.model.build import build_model
from lynx.model.resampler import FrameLayout, Resampler
from tests.tiny import tiny_config

HEADS, HEAD_DIM = 2, 8


def norm(hidden: Tensor, weights: dict[str, Tensor], name: str) -> Tensor:
    centred = hidden - hidden.mean(-1, keepdim=True)
    scaled = centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt()
    return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def resampled(weights: dict[str, Tensor], features: Tensor) -> Tensor:
    """Vision tokens of one sample, from its features (tokens, width): head by head, in loops."""
    latents = weights["queries"]
    layer = 0
    while f"layers.{layer}.attention.to_q.weight" in weights:
        own = f"layers.{layer}"
        q = norm(latents, weights, f"{own}.attention.norm_queries")
        q = q @ weights[f"{own}.attention.to_q.weight"].T
        kv = norm(features, weights, f"{own}.attention.norm_features")
        k, v = (kv @ weights[f"{own}.attention.to_kv.weight"].T).chunk(2, dim=-1)
        heads = []
        for head in range(HEADS):
            part = slice(head * HEAD_DIM, (head + 1) * HEAD_DIM)
            exponentials = (q[:, part] @ k[:, part].T / math.sqrt(HEAD_DIM)).exp()
            heads.append(exponentials / exponentials.sum(-1, keepdim=True) @ v[:, part])
        latents = latents + torch.cat(heads, -1) @ weights[f"{own}.attention.to_out.weight"].T
        inner = norm(latents, weights, f"{own}.feed_forward.norm")
        inner = inner @ weights[f"{own}.feed_forward.up.weight"].T
        inner = inner * (1 + torch.erf(inner / math.sqrt(2))) / 2  # GELU
        latents = latents + inner @ weights[f"{own}.feed_forward.down.weight"].T
        layer += 1
    return norm(latents, weights, "norm")


def test_the_resampler_computes_what_its_reference_does() -> None:
    torch.manual_seed(0)
    resampler = Resampler(
        width=12, feature_width=10, num_queries=3, num_layers=2, num_heads=HEADS, head_dim=HEAD_DIM
    )
    with torch.no_grad():
        for name, parameter in resampler.named_parameters():
            if "norm" in name:  # else a norm left out of its place might not show
                parameter.add_(torch.randn_like(parameter) / 3)
    num_frames = torch.tensor([1, 3, 2])
    features = torch.randn(6, 5, 10)
    found = resampler(features, FrameLayout(num_frames))
    weights = dict(resampler.named_parameters())
    of_samples = features.split(num_frames.tolist())
    expected = torch.stack([resampled(weights, one.flatten(0, 1)) for one in of_samples])
    torch.testing.assert_close(found, expected)


def test_an_adapter_computes_what_its_reference_does() -> None:
    torch.manual_seed(0)
    adapter = Adapter(width=12, bottleneck=6, init="paper")
    with torch.no_grad():
        for parameter in adapter.parameters():
            parameter.add_(torch.randn_like(parameter) / 3)
    weights = dict(adapter.named_parameters())
    hidden = torch.randn(4, 7, 12)
    narrow = functional.linear(norm(hidden, weights, "norm"), weights["down.weight"])
    narrow = narrow + weights["down.bias"]
    narrow = narrow / (1 + (-narrow).exp())  # SiLU
    wide = narrow @ weights["up.weight"].T + weights["up.bias"]
    torch.testing.assert_close(adapter(hidden), hidden + weights["scaling"] * wide)


def test_adapters_start_with_the_papers_deviation() -> None:
    torch.manual_seed(0)
    adapter = Adapter(width=400, bottleneck=200, init="paper")
    for linear in (adapter.down, adapter.up):
        assert linear.weight.std().item() == pytest.approx(0.02, rel=0.02)
        assert not linear.bias.any()
    assert adapter.scaling.tolist() == [1.0]
    zero = Adapter(width=8, bottleneck=4, init="zero")
    hidden = torch.randn(3, 8)
    assert torch.equal(zero(hidden), hidden)


@pytest.mark.parametrize(("every", "expected"), [(1, [0, 1]), (2, [0])])
def test_adapters_sit_on_even_layers(tmp_path: Path, every: int, expected: list[int]) -> None:
    config = tiny_config(tmp_path, {"model.adapter.every_n_layers": every})
    layers = build_model(config, seed=0).language_model.model.layers
    assert [n for n, layer in enumerate(layers) if hasattr(layer, ATTRIBUTE)] == expected
