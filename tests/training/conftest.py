"""Keeps the training tests quick: no W&B, one thread, the strategies trained once for all files."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from lynx.tracking.files import locked

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
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base  # one for all workers
    root, complete = shared / "strategies", shared / "strategies.complete"
    with locked(shared / "strategies.lock", waiting=print):
        if complete.exists():
            return root
        root.mkdir(exist_ok=True)
        done = subprocess.run(
            [sys.executable, "-m", "tests.training.strategies_and_kills", str(root)],
            cwd=REPOSITORY, capture_output=True, text=True, timeout=1800, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
        complete.touch()
    return root
