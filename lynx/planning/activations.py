"""Counts the bytes that a forward pass keeps for the backward pass, tensor by tensor."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from lynx.config.schema import Config, StageConfig
from lynx.model.attention import VARLEN, whole_row_attention
from lynx.model.build import frozen_parts
from lynx.planning.load import Load
from lynx.planning.parameters import trained_parts
from lynx.planning.sizes import Sizes

_FP32 = 4  # bytes


@dataclass(frozen=True)
class Widths:
    """Bytes of a number: in products, in layer norms' inputs, in the streams that layers add to.

    Under autocast layer norms compute in float32, and a stream is as wide as what it begins with.
    """

    product: int
    norm: int
    vision_stream: int
    language_stream: int


def widths(config: Config) -> Widths:
    """Of the configured precision: DeepSpeed casts the model itself, the others use autocast."""
    hardware = config.hardware
    if hardware.precision == "fp32":
        return Widths(4, 4, 4, 4)
    if hardware.strategy == "deepspeed":
        return Widths(2, 2, 2, 2)
    narrow = frozen_parts(config) if hardware.frozen_dtype == "bf16" else frozenset()
    language = 2 if "language_model" in narrow else 4
    return Widths(2, 4, 2 if "vision_encoder" in narrow else 4, language)


def kept_for_backward(config: Config, stage: str, load: Load, sizes: Sizes) -> dict[str, float]:
    """Bytes per device that a micro batch's forward pass keeps, by part; weights are not counted.

    A frozen vision encoder keeps nothing: it runs without gradients, and its features are counted
    with the resampler, which reads them.
    """
    settings: StageConfig = getattr(config.stages, stage)
    trained, width = trained_parts(config, stage), widths(config)
    tokens = load.frames * sizes.tower.tokens(settings.image_size)
    layers = _layers(config, stage, load, sizes)
    if config.hardware.gradient_checkpointing:  # a layer keeps its input
        block, layer = (
            tokens * width.vision_stream * sizes.tower.width,
            load.positions * width.language_stream * sizes.language.width,
        )
    else:
        block, layer = layers["vision encoder"], layers["language model"]
    is_encoder_trained = "vision_encoder" in trained
    final_norm = load.positions * _FP32 * sizes.language.width
    per_sample = {
        "vision encoder": sizes.tower.num_layers * block if is_encoder_trained else 0.0,
        "resampler": _resampler(sizes, width, queries=load.visual, features=tokens),
        "language model": sizes.language.num_layers * layer + final_norm,
        # Hooks, which run outside of the checkpoint.
        "adapters": load.positions * sizes.adapters.count * _adapter(sizes, width, trained),
        "logits": load.targets * _FP32 * sizes.language.vocabulary,  # their log-softmax
    }
    return {part: settings.micro_batch_size * value for part, value in per_sample.items()}


def passing(config: Config, stage: str, load: Load, sizes: Sizes) -> float:
    """Bytes per device of the largest tensors that come and go within a backward pass.

    Of the logits, or of the gated or plain MLP of a layer whose gradients are being computed.
    """
    settings: StageConfig = getattr(config.stages, stage)
    width, language, tower = widths(config), sizes.language, sizes.tower
    layer = load.positions * width.product * (3 * language.mlp_width + 2 * language.width)
    logits = load.targets * (width.product + _FP32) * language.vocabulary
    tokens = load.frames * tower.tokens(settings.image_size)
    block = tokens * width.product * (2 * tower.mlp_width + 2 * tower.width)
    return settings.micro_batch_size * max(layer, logits, block)


def repeated_layer(config: Config, stage: str, load: Load, sizes: Sizes) -> float:
    """Bytes per device that one checkpointed layer keeps while its backward pass repeats it."""
    if not config.hardware.gradient_checkpointing:
        return 0.0
    size = getattr(config.stages, stage).micro_batch_size
    return size * max(_layers(config, stage, load, sizes).values())


def _layers(config: Config, stage: str, load: Load, sizes: Sizes) -> dict[str, float]:
    """Bytes per sample that one layer keeps whole; of a frozen vision encoder none."""
    settings: StageConfig = getattr(config.stages, stage)
    trained, width = trained_parts(config, stage), widths(config)
    tokens = sizes.tower.tokens(settings.image_size)
    is_trained = "language_model" in trained
    block = 0.0
    if "vision_encoder" in trained:
        attention = whole_row_attention(config.hardware.attention)
        block = load.frames * tokens * _block(sizes, width, attention, tokens)
    layer = _decoder_layer(sizes, width, config, load, is_trained=is_trained)
    return {"vision encoder": block, "language model": load.positions * layer}


def _block(sizes: Sizes, width: Widths, attention: str, attended: float) -> float:
    """Of a trained block of the vision encoder, per token.

    Inputs of both norms, of both MLP products, of the activation and of the fused projection;
    queries, keys, values and the attended.
    """
    tower, product = sizes.tower, width.product
    norms = 2 * width.norm * tower.width
    scores = _scores(attention, tower.num_heads, attended, product)
    return norms + product * (6 * tower.width + 2 * tower.mlp_width) + scores


def _decoder_layer(
    sizes: Sizes, width: Widths, config: Config, load: Load, *, is_trained: bool
) -> float:
    """Of a layer of the language model without its adapter, per position.

    A product with frozen weights keeps nothing; attention keeps what it reads, the MLP its gate
    before and after the activation and what it is multiplied with, a norm its input in float32.
    """
    language, product = sizes.language, width.product
    attention = config.hardware.attention
    inner = language.num_heads * language.head_dim
    is_shared = attention == VARLEN  # the others repeat keys and values for the heads of a group
    keys = language.num_key_heads * language.head_dim if is_shared else inner
    kept: float = 2 * _FP32 * language.width
    kept += product * (inner + 2 * keys + 3 * language.mlp_width)
    kept += _scores(attention, language.num_heads, load.row_length, product)
    if attention != "eager":
        kept += product * inner  # the attended, which flash attention reads again
    if attention == "sdpa":
        kept += product * load.row_length  # the mask, in the type of the scores
    if is_trained:
        kept += product * (4 * language.width + language.mlp_width)
        kept += product * inner if attention == "eager" else 0
    return kept


def _scores(attention: str, num_heads: int, attended: float, product: int) -> float:
    """Per token: eager attention keeps all scores, in float32 and rounded; others one per head."""
    if attention != "eager":
        return _FP32 * num_heads
    return num_heads * attended * (_FP32 + (product if product != _FP32 else 0))


def _adapter(sizes: Sizes, width: Widths, trained: Collection[str]) -> float:
    """Per position and adapter: the norm's input and, where it's trained, what its weights read."""
    full, narrow = sizes.language.width, sizes.adapters.bottleneck
    kept = width.norm * full + width.product * narrow
    if "adapters" in trained:
        kept += width.product * (2 * full + narrow)
    return kept


def _resampler(sizes: Sizes, width: Widths, *, queries: float, features: float) -> float:
    """Per sample, all layers. Features are read by every layer's norm, and kept once."""
    own, product = sizes.resampler, width.product
    per_feature = product * (own.feature_width + 2 * own.inner)
    per_query = 2 * width.norm * own.width + product * (
        2 * own.width + 2 * own.inner + 2 * own.mlp_width
    )
    score = own.num_heads * (_FP32 + (product if product != _FP32 else 0))
    layer = features * per_feature + queries * own.num_queries * per_query
    layer += own.num_queries * features * score
    ends = features * width.norm * own.feature_width + queries * own.num_queries * (
        width.norm * own.width
    )
    return own.num_layers * layer + ends
