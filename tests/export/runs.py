"""Leaves a run's folder of a tiny model, as training would."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from lynx.config.compose import config_text
from lynx.config.schema import Config
from lynx.model.build import build_model
from lynx.model.checkpoint import save_trained_parts
from lynx.model.lynx import LynxModel
from lynx.tracking.run_dir import RunDir
from tests.tiny import tiny_config

ROW = {"max_new_tokens": 6, "num_beams": 3, "no_repeat_ngram_size": 3, "length_penalty": 1.0}


def a_run(root: Path, changes: Mapping[str, Any]) -> tuple[RunDir, Config, LynxModel]:
    """A run whose trained parts differ from their initial values, and its model."""
    rows = {f"evaluation.generation.demo.{key}": value for key, value in ROW.items()}
    rows["evaluation.generation.mme.max_new_tokens"] = 3
    config = tiny_config(root, {"model.adapter.every_n_layers": 1, **rows, **changes})
    model = build_model(config, seed=0)
    model.set_trainable(("resampler", "frame_positions", "adapters"))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) / 5)
    run_dir = RunDir(root / "runs" / "desk" / "lynx" / "seed0")
    run_dir.path.mkdir(parents=True)
    run_dir.config_path.write_text(config_text(config))
    path = run_dir.checkpoint_dir("instruct") / "final.safetensors"
    save_trained_parts(model, path, metadata={})
    return run_dir, config, model.eval()


def pictures(root: Path) -> list[Path]:
    """Three pictures of noise."""
    paths = [root / f"{number}.png" for number in range(3)]
    for number, path in enumerate(paths):
        data = torch.randint(0, 255, (40, 60, 3), generator=torch.Generator().manual_seed(number))
        Image.fromarray(data.byte().numpy()).save(path)
    return paths
