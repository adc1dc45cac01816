"""Keeps the training tests quick: no W&B, one thread, the strategies trained once for all files."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(autouse=True, scope="session")
def quick() -> Iterator[None]:
    """A run of W&B costs a second per stage; threads wait for each other on shared cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANDB_MODE", "disabled")
        patch.setenv("OMP_NUM_THREADS", "1")  # for the processes that tests start
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def strategies(quick: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `strategies_and_kills` leaves: every strategy's runs, whole and killed."""
    root = tmp_path_factory.mktemp("strategies")
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.strategies_and_kills", str(root)],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=1800, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return root
