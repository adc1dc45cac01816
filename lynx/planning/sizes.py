"""Reads the sizes of Lynx's parts off a model, which may be on the meta device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import nn

from lynx.model.adapters import ATTRIBUTE
from lynx.model.build import parameter_counts
from lynx.model.lynx import LynxModel
from lynx.model.resampler import Resampler, ResamplerLayer

_EXTRA_TOKENS = ("class_embedding", "cls_token", "register_tokens")


@dataclass(frozen=True)
class Tower:
    """The vision encoder; matrix: weights that every token is multiplied with, of all blocks."""

    width: int
    mlp_width: int
    num_layers: int
    num_heads: int
    patch_size: int  # pixels
    num_extra_tokens: int  # CLS, registers
    matrix: int
    patch_matrix: int

    def tokens(self, image_size: int) -> int:
        """Of a frame."""
        return self.num_extra_tokens + (image_size // self.patch_size) ** 2


@dataclass(frozen=True)
class ResamplerSizes:
    """Weights that each query and each feature is multiplied with, of all layers."""

    width: int
    feature_width: int
    inner: int
    mlp_width: int
    num_layers: int
    num_heads: int
    num_queries: int
    query_matrix: int
    feature_matrix: int


@dataclass(frozen=True)
class Language:
    """The language model, without its adapters; matrix: of all layers."""

    width: int
    mlp_width: int
    num_layers: int
    num_heads: int
    num_key_heads: int
    head_dim: int
    vocabulary: int
    matrix: int
    head_matrix: int


@dataclass(frozen=True)
class Adapters:
    """All adapters; matrix: of all together."""

    count: int
    bottleneck: int
    matrix: int


@dataclass(frozen=True)
class Sizes:
    """Of the parts of Lynx; what forecasts read of a model."""

    tower: Tower
    resampler: ResamplerSizes
    language: Language
    adapters: Adapters
    parameters: dict[str, int]  # of each part


def sizes_of(model: LynxModel) -> Sizes:
    """The sizes of a model's parts."""
    return Sizes(
        tower=_tower(model),
        resampler=_resampler(model.resampler),
        language=_language(model),
        adapters=_adapters(model),
        parameters=parameter_counts(model),
    )


def _tower(model: LynxModel) -> Tower:
    config = model.vision_encoder.config
    lists = [one for one in model.vision_encoder.modules() if isinstance(one, nn.ModuleList)]
    blocks = max(lists, key=len)
    extra = [
        parameter.numel() // config.hidden_size
        for name, parameter in model.vision_encoder.named_parameters()
        if name.rsplit(".", 1)[-1] in _EXTRA_TOKENS
    ]
    return Tower(
        width=config.hidden_size,
        mlp_width=_mlp_width(config),
        num_layers=len(blocks),
        num_heads=config.num_attention_heads,
        patch_size=config.patch_size,
        num_extra_tokens=sum(extra),
        matrix=_elements(blocks, ndim=2),
        patch_matrix=_elements(model.vision_encoder, ndim=4),
    )


def _resampler(resampler: Resampler) -> ResamplerSizes:
    layers = [one for one in resampler.modules() if isinstance(one, ResamplerLayer)]
    first = layers[0].attention
    features = sum(one.attention.to_kv.weight.numel() for one in layers)
    return ResamplerSizes(
        width=resampler.queries.shape[1],
        feature_width=first.to_kv.in_features,
        inner=first.to_q.out_features,
        mlp_width=layers[0].feed_forward.up.out_features,
        num_layers=len(layers),
        num_heads=first.num_heads,
        num_queries=resampler.num_queries,
        query_matrix=_elements(resampler.layers, ndim=2) - features,
        feature_matrix=features,
    )


def _language(model: LynxModel) -> Language:
    config, layers = model.language_model.config, model.language_model.model.layers
    return Language(
        width=config.hidden_size,
        mlp_width=config.intermediate_size,
        num_layers=len(layers),
        num_heads=config.num_attention_heads,
        num_key_heads=config.num_key_value_heads or config.num_attention_heads,
        head_dim=config.head_dim or config.hidden_size // config.num_attention_heads,
        vocabulary=config.vocab_size,
        matrix=_elements(layers, ndim=2) - _adapters(model).matrix,
        head_matrix=config.vocab_size * config.hidden_size,
    )


def _adapters(model: LynxModel) -> Adapters:
    adapters = [
        getattr(layer, ATTRIBUTE)
        for layer in model.language_model.model.layers
        if hasattr(layer, ATTRIBUTE)
    ]
    return Adapters(
        count=len(adapters),
        bottleneck=adapters[0].down.out_features,
        matrix=sum(_elements(one, ndim=2) for one in adapters),
    )


def _mlp_width(config: Any) -> int:
    """Some towers state it, others by how many times it is wider."""
    stated = getattr(config, "intermediate_size", None)
    return int(stated or config.hidden_size * config.mlp_ratio)


def _elements(module: nn.Module, *, ndim: int) -> int:
    return sum(one.numel() for one in module.parameters() if one.ndim == ndim)
