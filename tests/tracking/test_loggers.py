"""Metrics survive kills and resumes, and W&B needs neither account nor network."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
import wandb
from lightning.pytorch.loggers import WandbLogger

from lynx.tracking import loggers as loggers_module
from lynx.tracking.loggers import MetricsJsonl, make_loggers, read_metrics, wandb_mode
from lynx.tracking.run_dir import RunDir


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pretrain" / "metrics.jsonl"


@pytest.fixture
def no_wandb_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_DATA_DIR"):
        monkeypatch.setenv(name, "")  # so that what the code sets is taken back after the test
        monkeypatch.delenv(name)


def test_each_call_is_a_row_and_tensors_become_numbers(path: Path) -> None:
    logger = MetricsJsonl(path)
    logger.log_metrics({"loss": torch.tensor(2.0)}, step=9)
    logger.log_metrics({"loss": 1.5}, step=19)
    assert read_metrics(path) == [{"step": 9, "loss": 2.0}, {"step": 19, "loss": 1.5}]


def test_a_resumed_stage_replaces_the_steps_that_it_repeats(path: Path) -> None:
    first = MetricsJsonl(path)
    for step in (9, 19, 29, 39):
        first.log_metrics({"loss": 1.0}, step=step)
    second = MetricsJsonl(path)
    second.log_metrics({"loss": 2.0}, step=29)
    second.log_metrics({"rate": 3.0}, step=29)
    assert [(row["step"], row.get("loss")) for row in read_metrics(path)] == [
        (9, 1.0), (19, 1.0), (29, 2.0), (29, None),
    ]  # fmt: skip


def test_a_line_cut_by_a_kill_is_left_out(path: Path) -> None:
    MetricsJsonl(path).log_metrics({"loss": 1.0}, step=9)
    with path.open("a") as stream:
        stream.write('{"step": 19, "lo')
    assert [row["step"] for row in read_metrics(path)] == [9]
    MetricsJsonl(path).log_metrics({"loss": 1.0}, step=19)
    assert [row["step"] for row in read_metrics(path)] == [9, 19]


@pytest.mark.usefixtures("no_wandb_environment")
def test_wandb_is_offline_without_a_key_and_obeys_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert wandb_mode() == "offline"
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert wandb_mode() == "disabled"
    monkeypatch.delenv("WANDB_MODE")
    monkeypatch.setenv("WANDB_API_KEY", "x")
    assert wandb_mode() is None


@pytest.mark.usefixtures("no_wandb_environment")
def test_a_stage_leaves_a_wandb_run_in_its_folder_with_group_job_type_and_diff(
    tmp_path: Path,
) -> None:
    run_dir = RunDir(tmp_path / "desk" / "noisy_data" / "seed0")
    made = make_loggers(
        run_dir=run_dir, stage="pretrain", config_dict={"seed": 0}, diff_text="a: 1 -> 2\n",
        project="lynx-lab", group="desk/lynx", tags=["noisy_data"],
    )  # fmt: skip
    for logger in made:
        logger.log_metrics({"loss": 1.0}, step=9)
    run = next(logger for logger in made if isinstance(logger, WandbLogger)).experiment
    try:
        assert (run.group, run.job_type, run.name, run.notes) == (
            "desk/lynx", "pretrain", "noisy_data/seed0/pretrain", "a: 1 -> 2\n",
        )  # fmt: skip
        assert run.config["seed"] == 0 and run.tags == ("noisy_data",) and run.offline
    finally:
        wandb.finish()
    assert list(run_dir.wandb_dir.glob("offline-run-*/run-*.wandb"))
    assert os.environ["WANDB_DATA_DIR"] == str(run_dir.wandb_dir)
    assert "WANDB_MODE" not in os.environ
    assert read_metrics(run_dir.metrics_path("pretrain")) == [{"step": 9, "loss": 1.0}]


@pytest.mark.usefixtures("no_wandb_environment")
def test_a_resumed_stage_keeps_its_wandb_id_and_a_users_data_folder_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_DATA_DIR", "/elsewhere")
    run_dir = RunDir(tmp_path)
    first = loggers_module._wandb_id(run_dir, "pretrain")
    make_loggers(
        run_dir=run_dir, stage="pretrain", config_dict={}, diff_text="", project="p", group="g",
        tags=[],
    )  # fmt: skip
    wandb.finish()
    assert loggers_module._wandb_id(run_dir, "pretrain") == first
    assert loggers_module._wandb_id(run_dir, "instruct") != first
    assert os.environ["WANDB_DATA_DIR"] == "/elsewhere"
