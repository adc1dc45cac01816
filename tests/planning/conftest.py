"""Keeps the tests of forecasts quick: one thread, no W&B."""

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def quick() -> Iterator[None]:
    """Threads wait for each other on shared cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANDB_MODE", "disabled")
        yield
    torch.set_num_threads(threads)
