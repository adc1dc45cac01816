"""Gives memory that is no longer used back to the system, between stages and evaluations."""

from __future__ import annotations

import ctypes
import gc


def release_memory() -> None:
    """Free what only cycles hold (a trainer and its model do), and return the heap's empty pages.

    glibc keeps them, and tensors of ever other sizes leave gaps: a run of two variants grew from
    one stage to the next (docs/log.md). Other C libraries have no `malloc_trim`.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
