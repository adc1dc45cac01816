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
from PIL import Image
from safetensors import safe_open
from torch.nn.functional import cross_entropy
from transformers import CLIPVisionConfig, CLIPVisionModel, LlamaConfig, LlamaForCausalLM

from lynx.config.errors import LynxError
from lynx.config.schema import Config
from lynx.data.dialogue import encode_prompt
from lynx.data.transforms import image_to_tensor
from lynx.export.hub_folder import export_run
from lynx.export.processing_lynx import LynxProcessor
from lynx.model.build import load_tokenizer
from lynx.model.lynx import LynxModel
from tests.export.runs import a_run, pictures
from tests.tiny import SPECIALS, WORDS, write_tokenizer

SCRIPT = """
import json, sys
sys.modules["lynx"] = None  # the folder must do without
from PIL import Image
import torch
from transformers import AutoModel, AutoProcessor
folder, pictures = sys.argv[1], [Image.open(path) for path in sys.argv[2:]]
model = AutoModel.from_pretrained(folder, trust_remote_code=True, dtype="auto").eval()
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


def forward(
    model: LynxModel, config: Config, paths: list[Path]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of each dialogue's last position, and the losses of its tokens, one row at a time."""
    tokenizer = load_tokenizer(config.model.language_model.checkpoint)
    frames = [shown(path, config) for path in paths]
    last, losses = [], []
    for turns, pixels in zip(QUESTIONS, ([frames[0]], frames, []), strict=True):
        ids = torch.tensor(encode_prompt(turns, tokenizer, 512))
        row = model.language_model.get_input_embeddings()(ids)
        if pixels:
            vision = model.encode_vision(torch.stack(pixels), torch.tensor([len(pixels)]))
            row = torch.cat([vision[0], row])
        with torch.no_grad():
            logits = model.language_model(inputs_embeds=row[None]).logits[0]
        last.append(logits[-1])
        # The first token is predicted by the last vision token, where there is one.
        predicted = logits[len(row) - len(ids) - 1 : -1] if pixels else logits[:-1]
        losses.append(cross_entropy(predicted, ids if pixels else ids[1:], reduction="none"))
    return torch.stack(last), torch.cat(losses)


def shown(path: Path, config: Config) -> torch.Tensor:
    size, mean = config.stages.instruct.image_size, config.model.vision_encoder.image_mean
    return image_to_tensor(path.read_bytes(), image_size=size, image_mean=mean)


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
    frames = [shown(path, config) for path in paths]
    row = vars(config.evaluation.generation["demo"]) | settings
    return model.generate(
        pixel_values=torch.stack([frames[0], *frames]),
        num_frames=torch.tensor([1, len(frames)]),
        prompts=[encode_prompt(turns, tokenizer, 512) for turns in QUESTIONS],
        has_vision=[True, True, False],
        settings=row,
        seeds=[3, 4, 5],
    )


def in_a_process_of_its_own(folder: Path, paths: list[Path]) -> dict[str, Any]:
    """What SCRIPT prints of the folder."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder), *map(str, paths)],
        env={**os.environ, "HF_MODULES_CACHE": str(folder / "modules"), "HF_HUB_OFFLINE": "1"},
        capture_output=True, text=True, check=False, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert "MISSING" not in done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def tied_language_model(root: Path) -> dict[str, Any]:
    """Whose head is its embedding, of grouped queries, and without a pad token."""
    folder = root / "tied"
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=len(SPECIALS) + len(WORDS), hidden_size=32, intermediate_size=64,
        num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, initializer_range=0.2,
        tie_word_embeddings=True, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    write_tokenizer(folder, with_pad=False)
    return {"model.language_model.checkpoint": str(folder)}


BACKBONES = {
    "eva": lambda root: {},
    "clip": lambda root: clip_tower(root / "clip"),
    "tied": tied_language_model,
}


@pytest.mark.parametrize("backbones", list(BACKBONES))
def test_a_folder_answers_as_the_run_does_where_the_suite_is_not_installed(
    tmp_path: Path, backbones: str
) -> None:
    run_dir, config, model = a_run(tmp_path, BACKBONES[backbones](tmp_path))
    folder = export_run(run_dir.path, tmp_path / "exported", dtype="fp32")
    paths = pictures(tmp_path)
    found = in_a_process_of_its_own(folder, paths)
    pad = load_tokenizer(config.model.language_model.checkpoint).pad_token_id
    for name, settings in {
        "beams": {"num_beams": 3, "do_sample": False, "max_new_tokens": 6},
        "sampled": {"num_beams": 1, "do_sample": True, "top_k": 5},
    }.items():
        expected = answers(model, config, paths, **settings)
        longest = max(map(len, expected))
        assert found[name] == [ids + [pad] * (longest - len(ids)) for ids in expected]
    assert len(set(found["text"])) > 1
    logits, losses = forward(model, config, paths)
    torch.testing.assert_close(torch.tensor(found["last"]), logits, atol=1e-4, rtol=1e-4)
    assert found["loss"] == pytest.approx(losses.mean().item(), abs=1e-4)


def test_half_the_bytes_answer_too_and_keep_the_positions_whole(tmp_path: Path) -> None:
    run_dir, _, _ = a_run(tmp_path, {})
    folder = export_run(run_dir.path, tmp_path / "exported", dtype="bf16")
    with safe_open(folder / "model.safetensors", framework="pt") as file:
        dtypes = {name: file.get_tensor(name).dtype for name in file.keys()}  # noqa: SIM118
    whole = {name for name, dtype in dtypes.items() if dtype == torch.float32}
    assert whole == {"lynx.vision_encoder.model.embeddings.position_embedding"}
    assert set(dtypes.values()) == {torch.float32, torch.bfloat16}
    assert in_a_process_of_its_own(folder, pictures(tmp_path))["loss"] > 0


def test_pictures_are_turned_and_laid_on_white_as_in_evaluation(tmp_path: Path) -> None:
    _, config, _ = a_run(tmp_path, {})
    tokenizer = load_tokenizer(config.model.language_model.checkpoint)
    processor = LynxProcessor(tokenizer, image_size=28)
    picture = Image.open(pictures(tmp_path)[0]).convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    path = tmp_path / "phone.png"
    picture.save(path, exif=exif)
    pixels = processor("what is it ?", vision=Image.open(path))["pixel_values"][0]
    torch.testing.assert_close(pixels, image_to_tensor(path.read_bytes(), image_size=28))


def test_what_a_call_can_not_mean_is_said(tmp_path: Path) -> None:
    _, config, _ = a_run(tmp_path, {})
    processor = LynxProcessor(load_tokenizer(config.model.language_model.checkpoint), image_size=28)
    picture = Image.new("RGB", (9, 9))
    dialogue = [("a cat", "yes"), ("what color ?", None)]
    assert processor(dialogue, vision=picture)["input_ids"].shape[0] == 1
    with pytest.raises(ValueError, match="2 texts, but one picture"):
        processor(["a", "b"], vision=picture)
    with pytest.raises(TypeError, match="PIL image or a file's bytes"):
        processor("a", vision=["a.png"])
    with pytest.raises(ValueError, match="a video of 6 frames: the model reads 5"):
        processor("a", vision=[picture] * 6)


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
