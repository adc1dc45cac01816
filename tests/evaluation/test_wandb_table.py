"""What W&B gets of an evaluation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lynx.evaluation import run as evaluation_run
from lynx.evaluation.build import build_benchmark
from lynx.evaluation.run import evaluate
from lynx.evaluation.wandb_table import film_strip, log_evaluation, sample_rows
from tests.color_run import COLORS, ColorModel, configured, trained, write_benchmark
from tests.fabricated import clear_wandb


def test_wandb_gets_pictures_with_both_answers(
    tmp_path: Path, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clear_wandb(monkeypatch)
    monkeypatch.setattr(evaluation_run, "log_evaluation", log_evaluation)
    config = configured(tmp_path, {"tracking.num_sample_pictures": 3})
    run_dir = trained(config, "lynx")
    evaluate(run_dir, config, model=ColorModel(tokenizer), tokenizer=tokenizer)
    assert len(list(run_dir.path.rglob("*.wandb"))) == 1
    (table,) = run_dir.path.rglob("*.table.json")
    assert len(json.loads(table.read_text())["data"]) == 3
    staged = [path.read_bytes() for path in run_dir.wandb_dir.rglob("staging/*")]
    assert sum(content.startswith(b"\x89PNG") for content in staged) == 3  # inside the run folder
    questions = build_benchmark(config, "colors", checkpoint="").questions
    rows = sample_rows(run_dir, "colors", questions, 3)
    assert [row[1:6] for row in rows] == [
        ["A", "what color is this cat?", "red", "red", "yes"],
        ["B", "what color is this dog?", "red", "red", "yes"],
        ["A", "what color is this cat?", "red", "red", "yes"],
    ]
    assert all(row[6] in COLORS for row in rows)


def test_a_video_is_shown_as_a_strip_of_frames(tmp_path: Path) -> None:
    write_benchmark(tmp_path)
    frames = [(tmp_path / f"{i}.png").read_bytes() for i in range(3)]
    assert film_strip(frames).size == (30 + 31 + 32, 40)
