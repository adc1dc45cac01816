"""Checks that a run fits into memory and onto the disk, and that its results can be kept."""

from __future__ import annotations

import netrc
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import torch

from lynx.config.errors import LynxError
from lynx.config.schema import STAGE_NAMES, Config
from lynx.launch.finding import Finding
from lynx.model.build import meta_model_of
from lynx.model.lynx import LynxModel
from lynx.planning.disk import needed_bytes
from lynx.planning.facts_files import paper_stage
from lynx.planning.load import stage_load
from lynx.planning.memory import stage_memory
from lynx.planning.sizes import Sizes, sizes_of
from lynx.tracking.loggers import wandb_mode
from lynx.tracking.run_dir import RunDir

_GIB = 2**30
_USABLE = 0.9  # of a GPU; the rest goes to gaps between tensors
_MEMINFO = Path("/proc/meminfo")


def room_findings(config: Config) -> Iterator[Finding]:
    """Memory, disk, output folder and Weights & Biases."""
    folder = RunDir.of(config).path
    yield _output(folder)
    try:
        model = meta_model_of(config)
    except LynxError:  # a backbone of unknown shape isn't here, which another check says
        pass
    else:
        yield _disk(config, folder, model)
        memory = _memory(config, sizes_of(model))
        if memory is not None:
            yield memory
    yield _wandb()


def _memory(config: Config, sizes: Sizes) -> Finding | None:
    """None where it is unknown what there is: no GPU is seen, or the system doesn't tell."""
    hardware = config.hardware
    there: int | None
    if hardware.accelerator == "gpu":
        count = min(torch.cuda.device_count(), hardware.devices)
        gpus = [torch.cuda.get_device_properties(number).total_memory for number in range(count)]
        there = round(_USABLE * min(gpus)) if gpus else None
        place, times = "can be used of a GPU", 1
    else:
        there, place, times = _available_memory(), "are free", hardware.devices
    if there is None:
        return None
    needed = {stage: times * _stage_memory(config, stage, sizes) for stage in STAGE_NAMES}
    stage = max(needed, key=lambda name: needed[name])
    text = (
        f"{needed[stage] / _GIB:.1f} GiB are forecast (stage {stage}), "
        f"{there / _GIB:.1f} GiB {place}"
    )
    if needed[stage] <= there:
        return Finding("memory", text)
    ways = "a smaller micro_batch_size, hardware.gradient_checkpointing or a higher zero_stage"
    return Finding("memory", f"{text}; {ways} needs less (`lynx plan` shows what)", is_problem=True)


def _stage_memory(config: Config, stage: str, sizes: Sizes) -> int:
    """Bytes per device, with the paper's length of samples: measuring theirs takes long."""
    load = stage_load(config, stage, tokens_per_sample=paper_stage(stage).tokens_per_sample)
    return stage_memory(config, stage, load=load, sizes=sizes).total


def _available_memory() -> int | None:
    """Bytes that can be had without swapping; None where the system doesn't tell."""
    try:
        lines = _MEMINFO.read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if "MemAvailable" in line)
    except (OSError, StopIteration):
        return None


def _output(folder: Path) -> Finding:
    parent = _existing(folder)
    if parent.is_dir() and os.access(parent, os.W_OK | os.X_OK):
        return Finding("output", str(folder))
    text = f"tracking.output_dir: {parent} can't be written to; set LYNX_RUNS to a folder that can"
    return Finding("output", text, is_problem=True)


def _disk(config: Config, folder: Path, model: LynxModel) -> Finding:
    parent = _existing(folder)
    needed = max(needed_bytes(config, model=model) - _present_bytes(folder), 0)
    free = shutil.disk_usage(parent).free
    text = f"{needed / _GIB:.1f} GiB are to be written, {free / _GIB:.1f} GiB are free at {parent}"
    if needed <= free:
        return Finding("disk", text)
    fix = "make room, or set LYNX_RUNS to a folder on another disk"
    return Finding("disk", f"{text}: {fix}", is_problem=True)


def _present_bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # another process may train in the folder
            total += path.lstat().st_size
    return total


def _existing(path: Path) -> Path:
    """The nearest of the path and its parents that exists."""
    return next(one for one in (path, *path.parents) if one.exists())


def _wandb() -> Finding:
    mode = wandb_mode()
    if mode in ("offline", "disabled"):
        return Finding("W&B", mode)
    if os.environ.get("WANDB_API_KEY") or _has_login():
        return Finding("W&B", mode or "online")
    text = f"WANDB_MODE is {mode} and there is no key: `wandb login`, or set WANDB_API_KEY"
    return Finding("W&B", text, is_problem=True)


def _has_login() -> bool:
    """Whether `wandb login` has left a key in ~/.netrc."""
    try:
        hosts = netrc.netrc().hosts
    except (OSError, netrc.NetrcParseError):
        return False
    return any("wandb" in host for host in hosts)
