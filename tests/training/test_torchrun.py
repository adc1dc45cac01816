"""Tests that `torchrun -m lynx` trains on CPUs, and imports DeepSpeed only to use it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lynx.config.schema import STAGE_NAMES
from lynx.tracking.loggers import read_metrics
from lynx.tracking.run_dir import RunDir
from tests.tiny import tiny_catalog

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("torchrun")
    sources = {name: str(folder) for name, folder in tiny_catalog(root).items()}
    path = root / "catalog.yaml"
    path.write_text(yaml.safe_dump({"sources": sources}))
    return path


@pytest.mark.parametrize("strategy", ["ddp", "deepspeed"])
def test_torchrun_trains_on_two_processes(strategy: str, catalog: Path, tmp_path: Path) -> None:
    values = [f"data.catalog={catalog}", f"tracking.output_dir={tmp_path}", "hardware.devices=2"]
    values += [f"hardware.strategy={strategy}", "hardware.precision=fp32"]
    for stage in STAGE_NAMES:
        sizes = {"steps": 2, "global_batch_size": 4, "micro_batch_size": 1}
        values += [f"stages.{stage}.{key}={value}" for key, value in sizes.items()]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    done = subprocess.run(
        [*torchrun, "-m", "lynx", "train", "lynx", "--scale", "desk", *values],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=600, check=False,
        env={**os.environ, "PYTHONPROFILEIMPORTTIME": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert done.stdout.count("trained: ") == 1
    run_dir = RunDir(next(tmp_path.glob("desk/*/seed0")))
    for stage in STAGE_NAMES:
        assert run_dir.is_complete(stage)
        assert len(read_metrics(run_dir.metrics_path(stage))) == 2
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "lightning" in imported
    assert ("deepspeed" in imported) == (strategy == "deepspeed")
