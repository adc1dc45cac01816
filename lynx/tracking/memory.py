"""Memory of this process: its peak within a stage, and giving back what is no longer used."""

from __future__ import annotations

import ctypes
import gc
import resource
from pathlib import Path

_CLEAR_REFS, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


def reset_peak_memory() -> None:
    """Begin a new peak, where the system can (Linux); elsewhere it is the process's."""
    try:
        _CLEAR_REFS.write_text("5")
    except OSError:
        return


def peak_memory() -> int:
    """Bytes of resident memory at most since `reset_peak_memory`; shared pages are counted."""
    try:
        lines = _STATUS.read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) * 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def release_memory() -> None:
    """Free what only cycles hold (a trainer and its model do), and return the heap's empty pages.

    glibc keeps them, and tensors of ever other sizes leave gaps, so that the stages of a long
    command would each begin with more. Other C libraries have no `malloc_trim`.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
