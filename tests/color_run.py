"""Makes pictures of one colour, questions about them, and a stand-in model that names them."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from lynx.config.schema import Config
from lynx.tracking.run_dir import RunDir
from tests.tiny import tiny_config

ANIMALS = ("cat", "dog")
COLORS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
GREEDY = {
    "max_new_tokens": 4, "num_beams": 2, "top_p": 1.0, "top_k": 1, "length_penalty": -2.0,
    "no_repeat_ngram_size": 2, "do_sample": False,
}  # fmt: skip
SAMPLED = GREEDY | {"num_beams": 1, "top_p": 0.9, "top_k": 3, "do_sample": True}


class ColorModel:
    """Names the colour of the picture; keeps what it was asked."""

    def __init__(self, tokenizer: Any, *, fail_after: int | None = None) -> None:
        self.tokenizer = tokenizer
        self.calls: list[dict[str, Any]] = []
        self.fail_after = fail_after

    def generate(
        self,
        *,
        pixel_values: torch.Tensor | None,
        num_frames: torch.Tensor | None,
        prompts: Sequence[Sequence[int]],
        has_vision: Sequence[bool],
        settings: Mapping[str, Any],
        seeds: Sequence[int],
    ) -> list[list[int]]:
        if len(self.calls) == self.fail_after:
            raise KeyboardInterrupt
        texts = [self.tokenizer.decode(prompt) for prompt in prompts]
        self.calls.append({"settings": settings, "texts": texts, "seeds": list(seeds)})
        assert len(prompts) == len(has_vision) == len(seeds)
        words = list(COLORS)
        if pixel_values is None or num_frames is None:  # it is told nothing of a picture
            assert not any(has_vision)
            return [[self.tokenizer.convert_tokens_to_ids("dog")] for _ in prompts]
        assert len(prompts) == len(num_frames)
        brightest = pixel_values.mean(dim=(2, 3)).argmax(dim=1).tolist()
        return [[self.tokenizer.convert_tokens_to_ids(words[i])] for i in brightest]


def write_benchmark(folder: Path, number: int = 9) -> str:
    """Pictures of one colour each, two categories; gives the path of the questions."""
    rows = []
    for index in range(number):
        name = list(COLORS)[index % 3]
        stream = io.BytesIO()
        Image.new("RGB", (30 + index, 40), COLORS[name]).save(stream, "PNG")
        (folder / f"{index}.png").write_bytes(stream.getvalue())
        rows.append({"question": f"what color is this {ANIMALS[index % 2]}?",
                     "answer": [name], "index": index, "image": f"{index}.png",
                     "class": "AB"[index % 2]})  # fmt: skip
    path = folder / "questions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def configured(tmp_path: Path, changes: Mapping[str, Any] | None = None) -> Config:
    values = {
        "data.cache_dir": str(tmp_path / "cache"),
        "evaluation.benchmarks": {
            "colors": {"questions": write_benchmark(tmp_path), "generation": "greedy"}
        },
        "evaluation.generation": {"greedy": GREEDY, "sampled": SAMPLED},
        "evaluation.batch_size": 2,
    }
    return tiny_config(tmp_path, values | dict(changes or {}))


def trained(config: Config, variant: str, *, content: bytes = b"weights") -> RunDir:
    """A run folder whose last stage has ended."""
    run_dir = RunDir(Path(config.tracking.output_dir) / "desk" / variant / "seed0")
    path = run_dir.checkpoint_dir("instruct") / "final.safetensors"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return run_dir
