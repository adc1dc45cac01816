"""Backbones that are shapes only: what forecasts read of a checkpoint, without weights."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lynx.config.schema import Config
from tests.tiny import tiny_config, write_tokenizer

VISION = {
    "model_type": "blip_2_vision_model",
    "hidden_size": 96,
    "intermediate_size": 320,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "image_size": 28,
    "patch_size": 14,
}
LANGUAGE = {
    "model_type": "llama",
    "vocab_size": 400,
    "hidden_size": 128,
    "intermediate_size": 352,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
}


def shaped_config(root: Path, changes: Mapping[str, Any] | None = None, **hardware: Any) -> Config:
    """A variant of small shapes whose weights don't exist; hardware: its changes there."""
    for name, shape in (("vision_encoder", VISION), ("language_model", LANGUAGE)):
        (root / name).mkdir(parents=True, exist_ok=True)
        (root / name / "config.json").write_text(json.dumps(shape))
    write_tokenizer(root / "language_model")
    (root / "language_model" / "model.safetensors").touch()  # whose presence is checked
    changes = {
        "model.vision_encoder.checkpoint": str(root / "vision_encoder"),
        "model.language_model.checkpoint": str(root / "language_model"),
        "data.pack_length": 192,
        "stages.pretrain.image_size": 56,
        "stages.resolution.image_size": 112,
        "stages.instruct.image_size": 112,
        **(changes or {}),
    }
    config = tiny_config(None, changes)
    return replace(config, hardware=replace(config.hardware, **hardware))
