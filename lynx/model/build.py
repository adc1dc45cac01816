"""Builds Lynx from a configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from lynx.config.schema import STAGE_NAMES, Config, ModelConfig
from lynx.config.seeds import torch_seed
from lynx.model.adapters import Adapter, add_adapters
from lynx.model.checkpoint import LOADED_PARTS, load_trained_parts, weights_identity
from lynx.model.language_model import load_language_model, load_tokenizer, resolve_checkpoint
from lynx.model.lynx import LynxModel
from lynx.model.parts import part_of, trainable_parts
from lynx.model.resampler import Resampler
from lynx.model.vision_encoder import VisionEncoder, load_vision_encoder, vision_config

__all__ = ["build_model", "load_for_evaluation", "load_tokenizer", "meta_model", "model_identities"]

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def build_model(config: Config, *, seed: int) -> LynxModel:
    """Lynx with loaded backbones and new parts drawn from `seed`; nothing is frozen yet.

    Every new part has its own random stream, so variants that differ in one part share the others.
    Parts that no stage trains are held in hardware.frozen_dtype.
    """
    settings, hardware = config.model, config.hardware
    frozen = frozen_parts(config)
    dtype = DTYPES[hardware.frozen_dtype]
    vision_encoder = load_vision_encoder(
        _vision_folder(config),
        attention=hardware.attention,
        drop_path_rate=settings.vision_encoder.drop_path_rate,
    )
    language_model = load_language_model(
        settings.language_model.checkpoint,
        dtype=dtype if "language_model" in frozen else torch.float32,
        attention=hardware.attention,
    )
    if "vision_encoder" in frozen:
        vision_encoder.to(dtype)
    model = _assembled(vision_encoder, language_model, settings, seed=seed)
    model.identities = model_identities(config)
    if hardware.gradient_checkpointing:
        for part in (model.vision_encoder.model, model.language_model):
            part.activation_checkpointing_enable({"use_reentrant": False})
    return model


def load_for_evaluation(config: Config, checkpoint: Path) -> LynxModel:
    """A trained model on the configured device, in evaluation mode.

    On the CPU in float32 whatever training used: rounding to bfloat16 makes ties, and then an
    answer would depend on the batch it is asked in.
    """
    model = build_model(config, seed=config.seed)
    load_trained_parts(model, checkpoint)
    model.set_trainable(())
    model = model.to("cuda") if config.hardware.accelerator == "gpu" else model.float()
    return model.eval()


def meta_model(
    *,
    vision_settings: Mapping[str, Any],
    language_settings: Mapping[str, Any],
    settings: ModelConfig,
) -> LynxModel:
    """Lynx without weights (meta device), from the contents of two `config.json`: for counting."""
    with torch.device("meta"):
        vision_encoder = VisionEncoder(vision_config(vision_settings, attention="sdpa"))
        language_model = LlamaForCausalLM(LlamaConfig(**language_settings))
        return _assembled(vision_encoder, language_model, settings, seed=0)


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
    """Adds the new parts to the loaded ones."""
    width = int(language_model.config.hidden_size)

    def adapter(layer: int) -> Adapter:
        with _stream(seed, "adapters", layer):
            bottleneck = width // settings.adapter.bottleneck_divisor
            return Adapter(width=width, bottleneck=bottleneck, init=settings.adapter.init)

    with _stream(seed, "resampler"):
        sizes = asdict(settings.resampler)
        resampler = Resampler(width=width, feature_width=vision_encoder.width, **sizes)
    add_adapters(
        language_model.model.layers, every_n_layers=settings.adapter.every_n_layers, build=adapter
    )
    with _stream(seed, "frame_positions"):
        return LynxModel(
            vision_encoder=vision_encoder,
            resampler=resampler,
            language_model=language_model,
            num_frames=settings.num_frames,
            frame_position_std=settings.frame_position_std,
        )


@contextmanager
def _stream(seed: int, *names: object) -> Iterator[None]:
    """Torch's random numbers come from the stream ("init", *names) inside the block."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_seed(seed, "init", *names))
        yield
