"""Tests that an exported folder answers as the run does, without the suite at hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from transformers import CLIPVisionConfig, CLIPVisionModel

from lynx.config.errors import LynxError
from lynx.config.schema import Config
from lynx.data.dialogue import encode_prompt
from lynx.data.transforms import image_to_tensor
from lynx.export.hub_folder import export_run
from lynx.model.build import load_tokenizer
from lynx.model.lynx import LynxModel
from tests.export.runs import a_run, pictures

SCRIPT = """
import json, sys
sys.modules["lynx"] = None  # the folder must do without
from PIL import Image
import torch
from transformers import AutoModel, AutoProcessor
folder, pictures = sys.argv[1], [Image.open(path) for path in sys.argv[2:]]
model = AutoModel.from_pretrained(folder, trust_remote_code=True).eval()
processor = AutoProcessor.from_pretrained(folder, trust_remote_code=True)
dialogues = ["what is it ?", [("a cat", "yes"), ("what color ?", None)], "say one two"]
inputs = processor(dialogues, vision=[pictures[0], pictures, None])
beams = model.generate(**inputs, num_beams=3, do_sample=False, max_new_tokens=6)
sampled = model.generate(**inputs, num_beams=1, do_sample=True, top_k=5, seeds=[3, 4, 5])
labels = inputs["input_ids"].masked_fill(inputs["attention_mask"] == 0, -100)
with torch.no_grad():
    output = model(**inputs, labels=labels)
print(json.dumps({"beams": beams.tolist(), "sampled": sampled.tolist(),
                  "text": processor.batch_decode(beams), "loss": output.loss.item(),
                  "last": output.logits[:, -1].tolist()}))
"""
QUESTIONS = [
    [("what is it ?", None)],
    [("a cat", "yes"), ("what color ?", None)],
    [("say one two", None)],
]


def clip_tower(folder: Path) -> dict[str, Any]:
    torch.manual_seed(1)
    CLIPVisionModel(
        CLIPVisionConfig(
            hidden_size=32, intermediate_size=64, num_hidden_layers=3, num_attention_heads=2,
            image_size=28, patch_size=14, initializer_factor=5.0,
        )
    ).save_pretrained(folder)  # fmt: skip
    return {
        "model.vision_encoder.checkpoint": str(folder),
        "model.vision_encoder.feature_layer": -2,
        "model.vision_encoder.image_mean": [0.5, 0.4, 0.3],
    }


def answers(
    model: LynxModel, config: Config, paths: list[Path], **settings: Any
) -> list[list[int]]:
    tokenizer = load_tokenizer(config.model.language_model.checkpoint)
    size = config.stages.instruct.image_size
    mean = config.model.vision_encoder.image_mean
    frames = [
        image_to_tensor(path.read_bytes(), image_size=size, image_mean=mean) for path in paths
    ]
    row = vars(config.evaluation.generation["demo"]) | settings
    return model.generate(
        pixel_values=torch.stack([frames[0], *frames]),
        num_frames=torch.tensor([1, len(frames)]),
        prompts=[encode_prompt(turns, tokenizer, 512) for turns in QUESTIONS],
        has_vision=[True, True, False],
        settings=row,
        seeds=[3, 4, 5],
    )


@pytest.mark.parametrize("tower", ["eva", "clip"])
def test_a_folder_answers_as_the_run_does_where_the_suite_is_not_installed(
    tmp_path: Path, tower: str
) -> None:
    run_dir, config, model = a_run(
        tmp_path, clip_tower(tmp_path / "clip") if tower == "clip" else {}
    )
    folder = export_run(run_dir.path, tmp_path / "exported", dtype="fp32")
    paths = pictures(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder), *map(str, paths)],
        env={**os.environ, "HF_MODULES_CACHE": str(tmp_path / "modules"), "HF_HUB_OFFLINE": "1"},
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    pad = load_tokenizer(config.model.language_model.checkpoint).pad_token_id
    for name, settings in {
        "beams": {"num_beams": 3, "do_sample": False, "max_new_tokens": 6},
        "sampled": {"num_beams": 1, "do_sample": True, "top_k": 5},
    }.items():
        expected = answers(model, config, paths, **settings)
        longest = max(map(len, expected))
        assert found[name] == [ids + [pad] * (longest - len(ids)) for ids in expected]
    assert found["loss"] > 0
    assert len(set(found["text"])) > 1


def test_weights_can_be_written_in_half_the_bytes(tmp_path: Path) -> None:
    run_dir, _, _ = a_run(tmp_path, {})
    folder = export_run(run_dir.path, tmp_path / "exported", dtype="bf16")
    with safe_open(folder / "model.safetensors", framework="pt") as file:
        dtypes = {file.get_tensor(name).dtype for name in file.keys()}  # noqa: SIM118
    assert dtypes == {torch.bfloat16}


def test_the_card_says_what_was_trained_and_that_nothing_was_measured(tmp_path: Path) -> None:
    run_dir, _, _ = a_run(tmp_path, {})
    card = (export_run(run_dir.path, tmp_path / "my-lynx", dtype="fp32") / "README.md").read_text()
    assert card.startswith("---\nlibrary_name: transformers\n")
    assert "| instruct | instruct (diverse prompts) | 56 px | 4 | 8 | resampler, adapters |" in card
    assert "this run has not been evaluated" in card
    assert 'AutoModel.from_pretrained("my-lynx", trust_remote_code=True' in card


def test_a_folder_with_other_files_is_not_replaced(tmp_path: Path) -> None:
    run_dir, _, _ = a_run(tmp_path, {})
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("long")
    with pytest.raises(LynxError, match="holds something that is no export"):
        export_run(run_dir.path, tmp_path / "thesis", dtype="fp32")
    assert (tmp_path / "thesis" / "chapter.tex").read_text() == "long"
