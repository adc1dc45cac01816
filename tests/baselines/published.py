"""Writes a few questions of Open-VQA, with their pictures, as they are published."""

from __future__ import annotations

import json
from pathlib import Path

from tests.baselines.conftest import noise

QUESTIONS = (
    ("Color", "what color is the thing?", "red"),
    ("Color", "what color is the image?", "blue"),
    ("Counting", "how many dogs are there?", "two"),
    ("Counting", "how many of the thing are there?", "one"),
)


def write_open_vqa(folder: Path) -> Path:
    """Questions 11, 12, 13 and 14; the path of their file."""
    lines = []
    for number, (category, question, answer) in enumerate(QUESTIONS, start=11):
        (folder / "images").mkdir(parents=True, exist_ok=True)
        (folder / "images" / f"{number}.png").write_bytes(noise(number))
        lines.append(
            {"dataset": "open_vqa", "question": question, "answer": [answer], "index": number,
             "image": f"images/{number}.png", "origin_dataset": "vqav2", "class": category}
        )  # fmt: skip
    path = folder / "Open_VQA_images.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def overrides(tmp_path: Path, *more: str) -> tuple[str, ...]:
    """Of the desk's configuration: these questions, runs below `tmp_path`, short answers."""
    path = write_open_vqa(tmp_path / "open_vqa")
    where = "evaluation.benchmarks.open_vqa_image"
    return (
        f"{where}.questions={path}", f"{where}.prompt_pool=null", f"tracking.output_dir={tmp_path}",
        "evaluation.generation.open_vqa_image.max_new_tokens=6",
        "evaluation.generation.video_description.max_new_tokens=6", *more,
    )  # fmt: skip
