"""Picks the vision encoder that a checkpoint's `config.json` describes, with or without weights."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from lynx.config.errors import LynxError
from lynx.model.vision_encoder import KEY, VisionEncoder
from lynx.model.vision_eva import MODEL_TYPE, EvaEncoder, eva_config
from lynx.model.vision_tower import empty_tower, load_tower, tower_config

_TOLERANCE = 1e-3  # of means and deviations, which some files round


def load_vision_encoder(
    folder: Path,
    *,
    attention: str,
    dtype: torch.dtype = torch.float32,
    drop_path_rate: float = 0.0,
    feature_layer: int = -1,
) -> VisionEncoder:
    """The encoder in `folder`, in `dtype`: never a second copy of the weights in memory.

    folder: config.json and model.safetensors of a `Blip2VisionModel` (EVA-CLIP-g's shape), or any
    vision tower that `transformers` has saved. feature_layer: the block whose output is given, from
    the end; later ones aren't loaded.
    """
    settings = _read_json(folder / "config.json")
    if not _is_eva(settings):
        config = tower_config(settings, attention=attention, feature_layer=feature_layer)
        return load_tower(folder, config, dtype=dtype, drop_path_rate=drop_path_rate)
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise _missing(weights)
    with torch.device("meta"):  # the weights come from the file; drawing random ones takes minutes
        encoder = EvaEncoder(
            eva_config(settings, attention=attention),
            drop_path_rate=drop_path_rate,
            feature_layer=feature_layer,
        )
    encoder.load_blip2_weights(weights, dtype=dtype)
    return encoder


def empty_vision_encoder(
    settings: Mapping[str, Any], *, image_size: int | None = None, feature_layer: int = -1
) -> VisionEncoder:
    """The encoder of a `config.json` without weights (meta device): for counting.

    image_size: in pixels, of the position embeddings; by default the checkpoint's.
    """
    sizes = {} if image_size is None else {"image_size": image_size}
    if _is_eva(settings):
        with torch.device("meta"):
            config = eva_config({**settings, **sizes}, attention="sdpa")
            return EvaEncoder(config, feature_layer=feature_layer)
    tower = tower_config(settings, attention="sdpa", feature_layer=feature_layer)
    tower.update(sizes)  # after its vision_config, if it has one, was taken out
    return empty_tower(tower)


def check_preprocessing(
    folder: Path, *, image_mean: Sequence[float], image_std: Sequence[float]
) -> None:
    """LynxError where the checkpoint's own preprocessing shifts or scales colors otherwise."""
    path = folder / "preprocessor_config.json"
    if not path.is_file():
        return
    stated = _read_json(path)
    for name, own in {"image_mean": image_mean, "image_std": image_std}.items():
        other = stated.get(name)
        if other is not None and any(
            abs(a - b) > _TOLERANCE for a, b in zip(own, other, strict=True)
        ):
            raise LynxError(f"{KEY}.{name}: {list(own)}, but {path} says {other}; give the latter")


def _is_eva(settings: Mapping[str, Any]) -> bool:
    return settings.get("model_type", MODEL_TYPE) == MODEL_TYPE


def _read_json(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise _missing(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise LynxError(f"{KEY}.checkpoint: {path} is not readable as JSON: {error}") from error
    if not isinstance(content, dict):
        raise LynxError(f"{KEY}.checkpoint: {path} holds no mapping of settings")
    return content


def _missing(path: Path) -> LynxError:
    return LynxError(
        f"{KEY}.checkpoint: {path} is missing; the folder needs config.json and model.safetensors "
        "of a Blip2VisionModel, or what `save_pretrained` of another vision tower writes"
    )
