"""What W&B gets of an evaluation."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lynx.evaluation import run as evaluation_run
from lynx.evaluation.build import build_benchmark
from lynx.evaluation.results import ResultFiles
from lynx.evaluation.run import evaluate
from lynx.evaluation.scores import Scores
from lynx.evaluation.wandb_table import (
    COLUMNS,
    SCORE_COLUMNS,
    diff_page,
    film_strip,
    log_evaluation,
    sample_rows,
    spread,
    summary,
)
from lynx.tracking.files import write_json_atomic, write_text_atomic
from lynx.tracking.run_dir import RunDir
from tests.color_run import COLORS, ColorModel, configured, trained, write_benchmark
from tests.fabricated import clear_wandb


def test_wandb_gets_pictures_with_the_answers_of_every_vision(
    tmp_path: Path, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clear_wandb(monkeypatch)
    monkeypatch.setattr(evaluation_run, "log_evaluation", log_evaluation)
    config = configured(tmp_path, {"tracking.num_sample_pictures": 3})
    run_dir = trained(config, "lynx")
    evaluate(run_dir, config, model=ColorModel(tokenizer), tokenizer=tokenizer)
    assert len(list(run_dir.path.rglob("*.wandb"))) == 1
    tables = {
        path.name.partition("_")[0]: json.loads(path.read_text())
        for path in run_dir.path.rglob("*.table.json")
    }
    assert tables["answers"]["columns"] == list(COLUMNS)
    assert len(tables["answers"]["data"]) == 3
    assert tables["scores"]["columns"] == list(SCORE_COLUMNS)
    assert [row[:4] for row in tables["scores"]["data"]] == [
        ["lynx", 0, "Overall", 9], ["lynx", 0, "A", 5], ["lynx", 0, "B", 4],
    ]  # fmt: skip
    staged = [path.read_bytes() for path in run_dir.wandb_dir.rglob("staging/*")]
    assert sum(content.startswith(b"\x89PNG") for content in staged) == 3  # inside the run folder
    questions = build_benchmark(config, "colors", checkpoint="").questions
    rows = [
        dict(zip(COLUMNS, row, strict=True)) for row in sample_rows(run_dir, "colors", questions, 3)
    ]
    assert [(row["id"], row["answer"], row["prediction"], row["verdict"]) for row in rows] == [
        ("0", "red", "red", "yes"), ("4", "green", "green", "yes"), ("8", "blue", "blue", "yes"),
    ]  # fmt: skip
    assert all(row["judge's reply"] == "implied" for row in rows)
    assert all(row["swapped picture"] in COLORS and row["blank picture"] == "" for row in rows)


def test_answers_that_nobody_judges_are_shown_too(tmp_path: Path, tokenizer: Any) -> None:
    config = configured(tmp_path)
    run_dir = trained(config, "lynx")
    evaluate(run_dir, config, model=ColorModel(tokenizer), tokenizer=tokenizer)
    files = ResultFiles(run_dir.eval_dir("colors"))
    content = files.scores() or {}
    write_json_atomic(files.scores_path, {**content, "overall": None, "categories": {}})
    files.verdicts_path.unlink()
    questions = build_benchmark(config, "colors", checkpoint="").questions
    rows = sample_rows(run_dir, "colors", questions, 2)
    assert [row[COLUMNS.index("verdict")] for row in rows] == ["not judged"] * 2
    unjudged = summary(Scores.from_json(files.scores() or {}))
    assert unjudged["colors/length/words/mean"] == 1.0
    assert not any(name.endswith("accuracy") for name in unjudged)


def test_the_summary_in_wandb_is_the_scores(tmp_path: Path, tokenizer: Any) -> None:
    config = configured(tmp_path, {"evaluation.without_vision": ["swapped", "blank"]})
    scores = evaluate(
        trained(config, "lynx"), config, model=ColorModel(tokenizer), tokenizer=tokenizer
    )["colors"]
    assert scores.overall is not None
    got = summary(replace(scores, details={"perception": 12.5, "tasks": {"OCR": {"score": 75.0}},
                                           "rule": "official", "complete": True}))  # fmt: skip
    assert got["colors/judge"] == "rule:v1"
    for name, score in {"Overall": scores.overall, **scores.categories}.items():
        for field in ("n", "accuracy", "low", "high", "unparseable", "majority"):
            assert got[f"colors/{name}/{field}"] == getattr(score, field)
        assert f"colors/{name}/always_yes" not in got  # yes is never right here
        for vision in ("swapped", "blank"):
            share = score.without_vision[vision]
            assert got[f"colors/{name}/without/{vision}"] == share
            assert got[f"colors/{name}/looking/{vision}"] == score.accuracy - share
    assert got["colors/length/words/mean"] == scores.lengths.words.mean == 1.0
    assert got["colors/length/empty"] == 0
    details = {name: value for name, value in got.items() if "/details/" in name}
    assert details == {"colors/details/perception": 12.5, "colors/details/tasks/OCR/score": 75.0}


def test_the_page_of_the_diff_says_when_nothing_is_changed(tmp_path: Path) -> None:
    run_dir = RunDir(tmp_path / "desk" / "lynx" / "seed0")
    assert diff_page(run_dir) == "lynx\nchanges nothing: the experiment itself"
    write_text_atomic(run_dir.diff_path, "stages.instruct.prompts: diverse -> single\n")
    assert diff_page(run_dir) == "lynx\nstages.instruct.prompts: diverse -> single"


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
