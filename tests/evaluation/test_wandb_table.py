"""What W&B gets of an evaluation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lynx.evaluation import run as evaluation_run
from lynx.evaluation import wandb_table
from lynx.evaluation.build import build_benchmark
from lynx.evaluation.run import evaluate
from lynx.evaluation.wandb_table import film_strip, log_evaluation, sample_rows, spread
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
        ["A", "what color is this cat?", "green", "green", "yes"],
        ["A", "what color is this cat?", "blue", "blue", "yes"],
    ]
    assert all(row[6] in COLORS for row in rows)


def test_the_summary_in_wandb_is_the_scores(
    tmp_path: Path, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Run:
        """Keeps what W&B would."""

        def __init__(self) -> None:
            self.summary: dict[str, Any] = {}
            self.is_finished = False

        def log(self, _: Any) -> None: ...

        def finish(self) -> None:
            self.is_finished = True

    run = Run()
    monkeypatch.setattr(wandb_table, "open_run", lambda *_, **__: run)
    monkeypatch.setattr(evaluation_run, "log_evaluation", log_evaluation)
    config = configured(tmp_path, {"tracking.num_sample_pictures": 0})
    scores = evaluate(
        trained(config, "lynx"), config, model=ColorModel(tokenizer), tokenizer=tokenizer
    )["colors"]
    assert run.is_finished
    assert run.summary["colors/judge"] == "rule:v1"
    for name, score in {"overall": scores.overall, **scores.categories}.items():
        got = {
            key.rpartition("/")[2]: run.summary[key] for key in run.summary if f"/{name}/" in key
        }
        assert got == {key: getattr(score, key) for key in got}
        assert {"n", "accuracy", "low", "high", "unparseable", "blind", "majority"} == set(got)


@pytest.mark.parametrize(
    ("length", "number", "expected"),
    [
        (5, 3, [0, 2, 4]),  # fewer than twice as many: not the first ones
        (9, 3, [0, 4, 8]),
        (3, 5, [0, 1, 2]),
        (7, 1, [0]),
        (7, 0, []),
        (0, 3, []),
    ],
)
def test_sample_rows_are_spread_over_the_whole_benchmark(
    length: int, number: int, expected: list[int]
) -> None:
    assert spread(length, number) == expected


def test_a_video_is_shown_as_a_strip_of_frames(tmp_path: Path) -> None:
    write_benchmark(tmp_path)
    frames = [(tmp_path / f"{i}.png").read_bytes() for i in range(3)]
    assert film_strip(frames).size == (30 + 31 + 32, 40)
