"""The folder of a tiny run, untrained, and pictures to talk about."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from lynx.config.compose import config_text
from lynx.model.build import build_model
from lynx.model.checkpoint import save_trained_parts
from lynx.serving.answering import Answerer
from lynx.tracking.run_dir import RunDir
from tests.tiny import tiny_config

ROW = {
    "max_new_tokens": 6, "num_beams": 2, "top_p": 0.9, "top_k": 5, "length_penalty": 1.0,
    "no_repeat_ngram_size": 3, "do_sample": True,
}  # fmt: skip
ROWS = {
    "demo": ROW,
    "video_description": ROW | {"num_beams": 1},
    "greedy": ROW | {"num_beams": 1, "do_sample": False},
}


def write_run(root: Path, *, seed: int = 0) -> Path:
    """A run's folder as training leaves it: its configuration and the trained parts."""
    changes = {
        "evaluation.generation": ROWS, "model.adapter.every_n_layers": 1, "seed": seed,
        "hardware.threads": 0,
    }  # fmt: skip
    config = tiny_config(root, changes)
    run_dir = RunDir(root / "runs" / "desk" / "tiny" / f"seed{seed}")
    model = build_model(config, seed=seed)
    model.set_trainable(("resampler", "adapters"))
    run_dir.path.mkdir(parents=True)
    run_dir.config_path.write_text(config_text(config), "utf-8")
    final = run_dir.checkpoint_dir("instruct") / "final.safetensors"
    save_trained_parts(model, final, metadata={})
    return run_dir.path


@pytest.fixture(scope="session")
def run_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="session")
def answerer(run_path: Path) -> Answerer:
    return Answerer.of(run_path, device="cpu")


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> Answerer:
    """Of another seed, so that it answers otherwise."""
    return Answerer.of(write_run(tmp_path_factory.mktemp("other"), seed=1), device="cpu")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "red.png"
    Image.new("RGB", (40, 30), (250, 10, 10)).save(path)
    return path
