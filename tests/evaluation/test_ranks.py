"""Two connected processes share the questions of an evaluation, and one of them writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from lightning.pytorch.utilities.rank_zero import rank_zero_only

from lynx.config.schema import Config
from lynx.evaluation.results import ResultFiles
from lynx.evaluation.run import evaluate
from lynx.model.language_model import load_tokenizer
from lynx.tracking.run_dir import RunDir
from tests.color_run import ColorModel, configured, trained


def evaluate_as(rank: int, root: Path, config: Config, run_dir: RunDir) -> None:
    """One of two processes; leaves what it was asked and what it returned."""
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{root / 'store'}", rank=rank, world_size=2
    )
    rank_zero_only.rank = rank
    tokenizer = load_tokenizer(config.model.language_model.checkpoint)
    model = ColorModel(tokenizer)
    scores = evaluate(run_dir, config, model=model, tokenizer=tokenizer, without_vision=())
    asked = [text for call in model.calls for text in call["texts"]]
    report = {"asked": len(asked), "right": [one.overall.correct for one in scores.values()]}
    (root / f"rank{rank}.json").write_text(json.dumps(report))
    torch.distributed.destroy_process_group()


def test_two_processes_share_the_questions_and_write_what_one_would(tmp_path: Path) -> None:
    config = configured(tmp_path)  # nine questions in batches of two
    run_dir = trained(config, "lynx")
    torch.multiprocessing.spawn(evaluate_as, (tmp_path, config, run_dir), nprocs=2)
    reports = [json.loads((tmp_path / f"rank{rank}.json").read_text()) for rank in (0, 1)]
    assert reports == [{"asked": 5, "right": [9]}, {"asked": 4, "right": []}]
    predictions = ResultFiles(run_dir.eval_dir("colors")).predictions()
    assert [one.id for one in predictions] == [str(index) for index in range(9)]


def test_a_process_that_is_not_connected_leaves_the_evaluation_to_rank_zero(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configured(tmp_path)
    run_dir = trained(config, "lynx")
    monkeypatch.setattr(rank_zero_only, "rank", 1)
    assert evaluate(run_dir, config, without_vision=()) == {}
    assert not run_dir.eval_dir("colors").exists()
