"""Bottleneck adapters on the output of the language model's layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from torch import Tensor, nn
from torch.nn import functional

ATTRIBUTE = "output_adapter"  # the release's name for it


class Adapter(nn.Module):
    """x + scaling * up(SiLU(down(LayerNorm(x)))), the release's adapter (paper 2.1).

    init `paper`: both weights normal(0, 0.02), so that the adapter changes its input from the
    start; `zero`: the up-projection is zero and the adapter starts as the identity.
    """

    def __init__(self, *, width: int, bottleneck: int, init: Literal["paper", "zero"]) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.down = nn.Linear(width, bottleneck)
        self.up = nn.Linear(bottleneck, width)
        self.scaling = nn.Parameter(self.down.weight.new_ones(1))
        for linear in (self.down, self.up):
            nn.init.normal_(linear.weight, std=0.02)
            nn.init.zeros_(linear.bias)
        if init == "zero":
            nn.init.zeros_(self.up.weight)

    def forward(self, hidden: Tensor) -> Tensor:
        """(..., width) -> (..., width), in the dtype of the input."""
        narrow = functional.silu(self.down(self.norm(hidden.to(self.norm.weight.dtype))))
        return hidden + (self.scaling * self.up(narrow)).to(hidden.dtype)


def adapted_layers(num_layers: int, every_n_layers: int) -> list[int]:
    """Numbers of the layers that get an adapter: 0, every_n_layers, ... (the release's rule)."""
    return list(range(0, num_layers, every_n_layers))


def add_adapters(
    layers: nn.ModuleList, *, every_n_layers: int, build: Callable[[int], Adapter]
) -> None:
    """Put an adapter on the output of layers 0, every_n_layers, ...; `build` gets the number.

    A forward hook applies it, so the language model stays stock `transformers` code: generation and
    caches need no change. Gradient checkpointing wraps a layer's own forward, so an adapter keeps
    its activations and isn't computed again.
    """
    for number in adapted_layers(len(layers), every_n_layers):
        layers[number].add_module(ATTRIBUTE, build(number))
        layers[number].register_forward_hook(_apply_adapter)


def _apply_adapter(layer: nn.Module, inputs: Any, output: Tensor) -> Tensor:
    """Looks the adapter up on the layer: a closure would keep the old one after a deep copy."""
    return layer.get_submodule(ATTRIBUTE)(output)
