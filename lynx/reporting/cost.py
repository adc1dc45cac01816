"""Prints what runs cost, stage by stage, from the records that the stages leave."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lynx.config.schema import STAGE_NAMES
from lynx.reporting.records import read_record
from lynx.reporting.text import aligned
from lynx.tracking.run_dir import RunDir

_GIB = 2**30


def cost_text(runs: Sequence[RunDir]) -> str:
    """A line per run and stage, and the time of all that these runs trained themselves."""
    lines = [["cost of training", "seconds", "samples/s", "memory, GiB", "GPU, GiB", "reused from"]]
    total, unknown = 0.0, 0
    for run in runs:
        for stage in STAGE_NAMES:
            record = read_record(run.stage_record_path(stage))
            lines.append([f"{_short(run.path)}, {stage}", *_cells(record)])
            unknown += record is None
            if record is not None and not record.get("reused_from"):
                total += float(record.get("wall_seconds") or 0.0)
    missing = f"; {unknown} without a record" if unknown else ""
    ending = f"total: {total:.0f} s, reused stages not counted again{missing}; evaluation not in it"
    return f"{aligned(lines)}\n{ending}"


def _cells(record: dict[str, Any] | None) -> list[str]:
    if record is None:
        return ["-"] * 5
    reused = record.get("reused_from")
    return [
        _figure(record.get("wall_seconds")),
        _figure(record.get("samples_per_second")),
        _figure(record.get("peak_memory_bytes"), unit=_GIB),
        _figure(record.get("peak_gpu_memory_bytes"), unit=_GIB),
        _short(Path(reused)) if reused else "",
    ]


def _figure(value: float | None, *, unit: float = 1) -> str:
    return f"{value / unit:.1f}" if value else "-"


def _short(run: Path) -> str:
    return "/".join(run.parts[-2:])
