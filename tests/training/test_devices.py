"""Tests that one process, two with DDP and two with DeepSpeed train the same model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from lightning.pytorch.strategies import DeepSpeedStrategy

from lynx.config.schema import STAGE_NAMES
from lynx.tracking.loggers import read_metrics
from lynx.tracking.run_dir import RunDir
from lynx.training.run import train
from lynx.training.stages import final_path, read_record
from lynx.training.strategy import make_strategy
from tests.tiny import tiny_config
from tests.training.two_processes import SPLIT, VARIANTS

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunDir]:
    root = tmp_path_factory.mktemp("devices")
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.two_processes", str(root)],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    found = {name: RunDir(next((root / name).glob("desk/*/seed0"))) for name in VARIANTS}
    config = tiny_config(root, SPLIT | {"tracking.output_dir": str(root / "one")})
    catalog = {path.name: path for path in (root / "data" / "shards").iterdir()}
    return {"one": train(config, catalog=catalog), **found}


def column(run: RunDir, name: str) -> torch.Tensor:
    rows = [row for stage in STAGE_NAMES for row in read_metrics(run.metrics_path(stage))]
    return torch.tensor([float(row[name]) for row in rows])


@pytest.mark.parametrize("name", list(VARIANTS))
def test_losses_and_gradients_equal_those_of_one_process(
    runs: dict[str, RunDir], name: str
) -> None:
    for quantity in ("loss", "gradient_norm", "learning_rate", "loss_since_last_log"):
        expected, found = column(runs["one"], quantity), column(runs[name], quantity)
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("name", list(VARIANTS))
def test_the_saved_weights_equal_those_of_one_process(runs: dict[str, RunDir], name: str) -> None:
    for stage in STAGE_NAMES:
        pair = [safetensors.torch.load_file(final_path(runs[n], stage)) for n in ("one", name)]
        assert pair[0].keys() == pair[1].keys()
        for key, tensor in pair[0].items():
            assert pair[1][key].dtype == torch.float32
            # AdamW's first steps follow the gradient's sign, so rounding shows where it is tiny.
            assert (pair[1][key] - tensor).abs().mean() < 1e-4, (stage, key)


def test_the_realised_mix_counts_all_processes(runs: dict[str, RunDir]) -> None:
    mixes: list[Any] = []
    for run in runs.values():
        record = read_record(run, "pretrain")
        assert record is not None
        mixes.append(record["realised_mix"])
    assert all(mix == mixes[0] for mix in mixes)


def test_deepspeed_may_offload_for_our_optimizer() -> None:
    """It would stop with a ZeRORuntimeException, as AdamW is not its own."""
    strategy = make_strategy(name="deepspeed", accelerator="cpu", zero_stage=2, offload=True)
    assert isinstance(strategy, DeepSpeedStrategy) and isinstance(strategy.config, dict)
    assert strategy.config["zero_force_ds_cpu_optimizer"] is False
