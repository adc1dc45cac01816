"""Tests that a run has as many processes as its configuration says, whoever starts them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch.distributed
from lightning.pytorch.plugins.environments import LightningEnvironment, SLURMEnvironment

from lynx.config.errors import LynxError
from lynx.training.build import build_trainer
from lynx.training.run import connect
from tests.tiny import tiny_config

BATCH_SCRIPT = {"NTASKS": "1", "NNODES": "1", "PROCID": "0", "LOCALID": "0", "NODEID": "0"}
TWO = {"hardware.strategy": "ddp", "hardware.devices": 2}


@pytest.fixture(autouse=True)
def in_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables of SLURM's batch script, which srun has not started."""
    for name in ("TORCHELASTIC_RUN_ID", "SLURM_STEP_NUM_TASKS", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (BATCH_SCRIPT | {"JOB_NAME": "train"}).items():
        monkeypatch.setenv(f"SLURM_{name}", value)


@pytest.mark.parametrize("tasks", [None, "1"])  # of the step: none, or a shell's
def test_in_an_allocation_a_plain_start_starts_all_processes_itself(
    tasks: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if tasks is not None:
        monkeypatch.setenv("SLURM_STEP_NUM_TASKS", tasks)
    trainer = build_trainer(tiny_config(tmp_path, TWO), "pretrain", root=tmp_path)
    environment = trainer.strategy.cluster_environment  # type: ignore[attr-defined]
    assert isinstance(environment, LightningEnvironment)
    assert trainer.world_size == 2 and not environment.creates_processes_externally


@pytest.mark.parametrize("job_name", ["train", "interactive"])  # by which Lightning goes
def test_the_tasks_of_srun_are_the_run_and_lightning_requeues_nothing(
    job_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {"STEP_NUM_TASKS": "2", "NTASKS": "2", "NTASKS_PER_NODE": "2", "JOB_NAME": job_name}
    for name, value in values.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    trainer = build_trainer(tiny_config(tmp_path, TWO), "pretrain", root=tmp_path)
    environment = trainer.strategy.cluster_environment  # type: ignore[attr-defined]
    assert isinstance(environment, SLURMEnvironment) and not environment.auto_requeue
    assert trainer.world_size == 2


@pytest.mark.parametrize(
    ("variables", "devices", "message"),
    [
        ({"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "1"}, 2, "1 processes .* is 2: start"),
        ({"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "2"}, 1, "2 processes .* is 1: start"),
        ({"SLURM_STEP_NUM_TASKS": "2"}, 1, "2 processes .* is 1: start"),
        ({"SLURM_STEP_NUM_TASKS": "2"}, 4, "2 processes .* is 4: start"),
    ],
)
def test_more_or_fewer_processes_than_configured_are_refused(
    variables: dict[str, str],
    devices: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    strategy = "single" if devices == 1 else "ddp"
    changes = {"hardware.strategy": strategy, "hardware.devices": devices}
    with pytest.raises(LynxError, match=message):
        connect(tiny_config(tmp_path, changes))


def test_a_group_that_something_else_has_connected_is_counted_too(tmp_path: Path) -> None:
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path / 'store'}", rank=0, world_size=1
    )
    try:
        connect(tiny_config(tmp_path))
        with pytest.raises(LynxError, match="1 processes have been started"):
            connect(tiny_config(tmp_path, TWO))
    finally:
        torch.distributed.destroy_process_group()
