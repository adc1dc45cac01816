"""The peak of memory is a stage's own, where the system can begin a new one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lynx.tracking.memory import peak_memory, release_memory, reset_peak_memory

BIG = 200 * 2**20


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux can")
def test_a_new_peak_begins_without_what_was_released() -> None:
    reset_peak_memory()
    before = peak_memory()
    np.ones(BIG // 8)
    highest = peak_memory()
    assert highest > before + 0.9 * BIG
    release_memory()
    reset_peak_memory()
    assert peak_memory() < highest - 0.5 * BIG
