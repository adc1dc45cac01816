"""Tests of a whole run with a CLIP tower where the paper has EVA-CLIP-g."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from PIL import Image

from lynx.config.schema import STAGE_NAMES, Config
from lynx.data.build import build_data_module
from lynx.evaluation.build import build_asker, load_trained_model
from lynx.evaluation.questions import Question
from lynx.model.language_model import load_tokenizer
from lynx.model.parts import part_of
from lynx.tracking.loggers import read_metrics
from lynx.tracking.run_dir import RunDir
from lynx.training.run import train
from lynx.training.stages import final_path
from tests.tiny import NUM_QUERIES, tiny_catalog, tiny_config, write_clip_tower

DECODING = {
    "max_new_tokens": 4, "num_beams": 2, "top_p": 1.0, "top_k": 1, "length_penalty": -1.0,
    "no_repeat_ngram_size": 2, "do_sample": False,
}  # fmt: skip


def png(*color: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), color).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clip_run")


@pytest.fixture(scope="module")
def catalog(root: Path) -> dict[str, Path]:
    return tiny_catalog(root)


@pytest.fixture(scope="module")
def config(root: Path) -> Config:
    changes = {
        "model.vision_encoder.checkpoint": str(write_clip_tower(root / "clip")),
        "model.vision_encoder.feature_layer": -2,
        "model.vision_encoder.drop_path_rate": 0.2,
        "model.vision_encoder.image_mean": [0.5, 0.5, 0.5],
        "model.vision_encoder.image_std": [0.5, 0.5, 0.5],
        "hardware.gradient_checkpointing": True,
        **{f"stages.{stage}.steps": 2 for stage in STAGE_NAMES},
    }
    return tiny_config(root, changes)


@pytest.fixture(scope="module")
def run_dir(config: Config, catalog: dict[str, Path]) -> RunDir:
    return train(config, catalog=catalog)


def test_all_stages_are_trained_and_the_tower_in_the_second(run_dir: RunDir, root: Path) -> None:
    initial = safetensors.torch.load_file(root / "clip" / "model.safetensors")
    first, second, third = (
        safetensors.torch.load_file(final_path(run_dir, stage)) for stage in STAGE_NAMES
    )
    assert not any(part_of(name) == "vision_encoder" for name in first)
    tower = {n: t for n, t in second.items() if part_of(n) == "vision_encoder"}
    assert len(tower) == len([n for n in initial if ".layers.2." not in n and "post" not in n])
    for name, tensor in tower.items():
        before = initial[name.removeprefix("vision_encoder.model.")]
        # A bias of the keys moves no score, so its gradient is rounding noise or nothing.
        assert "k_proj.bias" in name or not torch.equal(tensor, before), name
        assert torch.equal(tensor, third[name])
    for stage in STAGE_NAMES:
        assert all(row["loss"] > 0 for row in read_metrics(run_dir.metrics_path(stage)))


def test_the_trained_run_answers_questions(run_dir: RunDir, config: Config) -> None:
    model, tokenizer = load_trained_model(run_dir, config)
    asker = build_asker(config, model=model, tokenizer=tokenizer)
    seen: list[torch.Tensor] = []
    trained: Any = model
    trained.vision_encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    question = Question(0, "1", "color", "what color", "red", "image", (png(255, 0, 51),))
    answers = asker.answers([question], [[("what color", None)]], decoding=DECODING, purpose="test")
    assert len(answers) == 1 and isinstance(answers[0].text, str)
    assert seen[0].shape == (1, 3, 56, 56)
    torch.testing.assert_close(seen[0].mean((0, 2, 3)), torch.tensor([1.0, -1.0, -0.6]))


@pytest.mark.parametrize("stage", STAGE_NAMES)
def test_pictures_are_prepared_in_training_as_the_tower_wants(
    config: Config, catalog: dict[str, Path], stage: str
) -> None:
    tokenizer = load_tokenizer(config.model.language_model.checkpoint)
    pixels = []
    for red in (0.5, 0.25):
        vision = replace(config.model.vision_encoder, image_std=(red, 0.5, 0.5))
        changed = replace(config, model=replace(config.model, vision_encoder=vision))
        module = build_data_module(
            changed, stage, catalog=catalog, tokenizer=tokenizer, num_queries=NUM_QUERIES
        )
        pixels.append(next(module.batches()).pixel_values)
    assert pixels[0].min() == -1 and pixels[0].max() == 1
    torch.testing.assert_close(pixels[1], pixels[0] * torch.tensor([2.0, 1, 1])[:, None, None])
