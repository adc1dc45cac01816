"""Builds Lynx from a configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from lynx.config.errors import LynxError
from lynx.config.known_backbones import known_backbones
from lynx.config.schema import STAGE_NAMES, Config, ModelConfig, VisionEncoderConfig
from lynx.config.seeds import torch_seed
from lynx.model.assembly import assemble
from lynx.model.attention import check_attention, whole_row_attention
from lynx.model.checkpoint import LOADED_PARTS, load_trained_parts, weights_identity
from lynx.model.language_model import load_language_model, load_tokenizer
from lynx.model.lynx import LynxModel
from lynx.model.parts import part_of, trainable_parts
from lynx.model.pretrained import is_at_hand, resolve_checkpoint, shape_of
from lynx.model.vision_encoder import VisionEncoder
from lynx.model.vision_loading import (
    check_preprocessing,
    empty_vision_encoder,
    load_vision_encoder,
)

__all__ = [
    "build_model",
    "load_for_evaluation",
    "load_tokenizer",
    "meta_model",
    "meta_model_of",
    "model_identities",
]

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def build_model(config: Config, *, seed: int) -> LynxModel:
    """Lynx with loaded backbones and new parts drawn from `seed`; nothing is frozen yet.

    Every new part has its own random stream, so variants that differ in one part share the others.
    Parts that no stage trains are held in hardware.frozen_dtype.
    """
    settings, hardware = config.model, config.hardware
    check_attention(hardware.attention)
    frozen = frozen_parts(config)
    dtype = DTYPES[hardware.frozen_dtype]
    vision_encoder = _vision_encoder(
        config, dtype=dtype if "vision_encoder" in frozen else torch.float32
    )
    language_model = load_language_model(
        settings.language_model.checkpoint,
        dtype=dtype if "language_model" in frozen else torch.float32,
        attention=hardware.attention,
    )
    model = _assembled(vision_encoder, language_model, settings, seed=seed)
    model.identities = model_identities(config)
    if hardware.gradient_checkpointing:
        for part in (model.vision_encoder.model, model.language_model):
            try:
                part.activation_checkpointing_enable({"use_reentrant": False})
            except ValueError as error:
                raise LynxError(f"hardware.gradient_checkpointing: {error}") from error
    return model


def load_for_evaluation(config: Config, checkpoint: Path) -> LynxModel:
    """A trained model on the configured device, in evaluation mode.

    On the CPU in float32 whatever training used: rounding to bfloat16 makes ties, and then an
    answer would depend on the batch it is asked in. Decoding reads whole rows: `varlen` gives way.
    """
    attention = whole_row_attention(config.hardware.attention)
    hardware = replace(config.hardware, attention=attention)
    model = build_model(replace(config, hardware=hardware), seed=config.seed)
    load_trained_parts(model, checkpoint)
    model.set_trainable(())
    model = model.to("cuda") if config.hardware.accelerator == "gpu" else model.float()
    return model.eval()


def meta_model(
    *,
    vision_settings: Mapping[str, Any],
    language_settings: Mapping[str, Any],
    settings: ModelConfig,
    image_size: int | None = None,
) -> LynxModel:
    """Lynx without weights (meta device), from the contents of two `config.json`: for counting.

    image_size: in pixels, of the position embeddings; by default what `vision_settings` says.
    """
    vision_encoder = empty_vision_encoder(
        vision_settings,
        image_size=image_size,
        feature_layer=settings.vision_encoder.feature_layer,
    )
    _check_patch_size(vision_encoder, settings.vision_encoder)
    with torch.device("meta"):
        language_model = LlamaForCausalLM(LlamaConfig(**language_settings))
        return _assembled(vision_encoder, language_model, settings, seed=0)


def meta_model_of(config: Config) -> LynxModel:
    """The variant's Lynx without weights (meta device); nothing is downloaded.

    Position embeddings are those of the last stage's picture size, as in the release and in the
    paper's counts. What is trained here keeps the checkpoint's and interpolates them.
    """
    settings = config.model
    vision, language = settings.vision_encoder.checkpoint, settings.language_model.checkpoint
    shape = dict(shape_of(language, key="model.language_model.checkpoint"))
    return meta_model(
        vision_settings=shape_of(vision, key="model.vision_encoder.checkpoint"),
        language_settings={**shape, "vocab_size": _num_tokens(language, shape)},
        settings=settings,
        image_size=getattr(config.stages, STAGE_NAMES[-1]).image_size,
    )


def _num_tokens(checkpoint: str, shape: Mapping[str, Any]) -> int:
    """Rows of the embedding once `[PAD]` has one, from the tokenizer where it is on disk."""
    size = int(shape["vocab_size"])
    entries = [one for one in known_backbones().values() if one.checkpoint == checkpoint]
    if is_at_hand(checkpoint) or not entries:
        return max(size, len(load_tokenizer(checkpoint)))
    return size if entries[0].pad_token else size + 1


def frozen_parts(config: Config) -> frozenset[str]:
    """Loaded parts that no stage of the variant trains."""
    trained = [trainable_parts(asdict(getattr(config.stages, s).trainable)) for s in STAGE_NAMES]
    return frozenset(LOADED_PARTS) - frozenset().union(*trained)


def model_identities(config: Config) -> dict[str, str]:
    """sha256 of the weights that the parts are loaded from, by part."""
    checkpoint = config.model.language_model.checkpoint
    folder = resolve_checkpoint(checkpoint, key="model.language_model.checkpoint")
    return {
        "vision_encoder": weights_identity(_vision_folder(config)),
        "language_model": weights_identity(folder),
    }


def parameter_counts(model: LynxModel) -> dict[str, int]:
    """Number of parameters of each part."""
    counts: dict[str, int] = {}
    for name, parameter in model.named_parameters():
        counts[part_of(name)] = counts.get(part_of(name), 0) + parameter.numel()
    return counts


def _vision_encoder(config: Config, *, dtype: torch.dtype) -> VisionEncoder:
    """The loaded encoder, which reads the pictures of every stage as they are prepared."""
    settings, folder = config.model.vision_encoder, _vision_folder(config)
    check_preprocessing(folder, image_mean=settings.image_mean, image_std=settings.image_std)
    encoder = load_vision_encoder(
        folder,
        dtype=dtype,
        attention=whole_row_attention(config.hardware.attention),
        drop_path_rate=settings.drop_path_rate,
        feature_layer=settings.feature_layer,
    )
    _check_patch_size(encoder, settings)
    for stage in STAGE_NAMES:
        encoder.check_image_size(getattr(config.stages, stage).image_size)
    return encoder


def _check_patch_size(encoder: VisionEncoder, settings: VisionEncoderConfig) -> None:
    if encoder.patch_size != settings.patch_size:
        raise LynxError(
            f"model.vision_encoder.patch_size: {settings.patch_size}, but {settings.checkpoint} "
            f"has patches of {encoder.patch_size} pixels; give that"
        )


def _vision_folder(config: Config) -> Path:
    checkpoint = config.model.vision_encoder.checkpoint
    return resolve_checkpoint(checkpoint, key="model.vision_encoder.checkpoint")


def _assembled(
    vision_encoder: VisionEncoder,
    language_model: LlamaForCausalLM,
    settings: ModelConfig,
    *,
    seed: int,
) -> LynxModel:
    """Adds the new parts, each drawn from its own stream of `seed`."""
    return assemble(
        vision_encoder,
        language_model,
        resampler=asdict(settings.resampler),
        adapter=asdict(settings.adapter),
        num_frames=settings.num_frames,
        frame_position_std=settings.frame_position_std,
        drawn=partial(_stream, seed),
    )


@contextmanager
def _stream(seed: int, *names: object) -> Iterator[None]:
    """Torch's random numbers come from the stream ("init", *names) inside the block."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_seed(seed, "init", *names))
        yield
