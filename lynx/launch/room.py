"""Checks that a run fits into memory and onto the disk, and that its results can be kept."""

from __future__ import annotations

import netrc
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import torch

from lynx.config.compose import variant_name
from lynx.config.errors import LynxError
from lynx.config.schema import STAGE_NAMES, Config
from lynx.launch.finding import Finding
from lynx.model.build import meta_model_of
from lynx.model.lynx import LynxModel
from lynx.planning.disk import REST, most_bytes, stage_disk
from lynx.planning.facts_files import GIB, paper_stage
from lynx.planning.lengths import row_lengths
from lynx.planning.load import stage_load
from lynx.planning.memory import stage_memory
from lynx.planning.reuse import settings_addresses
from lynx.planning.sizes import Sizes, sizes_of
from lynx.tracking.loggers import wandb_mode
from lynx.tracking.run_dir import RunDir

_USABLE = 0.9  # of a GPU; the rest goes to gaps between tensors
_MEMINFO = Path("/proc/meminfo")


def room_findings(configs: Sequence[Config]) -> Iterator[Finding]:
    """Memory, disk, output folder and Weights & Biases, for runs that follow each other."""
    for config in configs:
        yield _output(RunDir.of(config).path)
    variants = {variant_name(config): config for config in configs}  # seeds need the same
    try:
        models = {name: meta_model_of(config) for name, config in variants.items()}
    except LynxError as error:
        yield Finding("forecast", f"of memory and disk there is none: {error}", is_warning=True)
    else:
        yield _disk(configs, models)
        for name, config in variants.items():
            memory = _memory(config, sizes_of(models[name]))
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
    needed, stage = _most_memory(config, sizes, is_measured=False)
    is_measured = False
    if times * needed > there:  # samples may be shorter; to look at some takes seconds
        is_measured = all(row_lengths(config, name) is not None for name in STAGE_NAMES)
        needed, stage = _most_memory(config, sizes, is_measured=is_measured)
    text = f"{times * needed / GIB:.1f} GiB are forecast (stage {stage})"
    text = f"{text}, {there / GIB:.1f} GiB {place}"
    if times * needed <= there:
        return Finding("memory", text)
    ways = "a smaller micro_batch_size, hardware.gradient_checkpointing or a higher zero_stage"
    text = f"{text}; {ways} needs less (`lynx plan` shows what)"
    if is_measured:
        return Finding("memory", text, is_problem=True)
    assumed = "samples are taken to be as long as the paper's, as data or tokenizer aren't here"
    return Finding("memory", f"{text}; {assumed}", is_warning=True)


def _most_memory(config: Config, sizes: Sizes, *, is_measured: bool) -> tuple[int, str]:
    """Bytes per device of the stage that needs the most; is_measured: by lengths of its samples."""
    found = {}
    for stage in STAGE_NAMES:
        tokens = None if is_measured else paper_stage(stage).tokens_per_sample
        load = stage_load(config, stage, tokens_per_sample=tokens)
        found[stage_memory(config, stage, load=load, sizes=sizes).total] = stage
    return max(found.items())


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


def _disk(configs: Sequence[Config], models: Mapping[str, LynxModel]) -> Finding:
    """Of the stages that no run has, or shares with one before it; models: by variant."""
    parent = _existing(RunDir.of(configs[0]).path)
    seen: set[str] = set()
    sizes, rest = [], 0
    for config in configs:
        run_dir, addresses = RunDir.of(config), settings_addresses(config)
        new = [one for one in STAGE_NAMES if not run_dir.is_complete(one)]
        new = [one for one in new if addresses[one] not in seen]
        seen.update(addresses.values())
        model = models[variant_name(config)]
        sizes += [stage_disk(config, one, model=model) for one in new]
        rest += REST if new else 0
        rest -= sum(_present_bytes(run_dir.stage_dir(one)) for one in new)
    needed = max(most_bytes(sizes) + rest, 0)
    free = shutil.disk_usage(parent).free
    text = f"{needed / GIB:.1f} GiB are to be written, {free / GIB:.1f} GiB are free at {parent}"
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
    if mode in ("offline", "dryrun", "disabled"):
        return Finding("W&B", mode)
    if os.environ.get("WANDB_API_KEY") or _has_login():
        return Finding("W&B", mode or "online")
    text = f"WANDB_MODE is {mode} and no key was found: `wandb login`, or set WANDB_API_KEY"
    return Finding("W&B", text, is_warning=True)  # W&B knows more places than are looked at here


def _has_login() -> bool:
    """Whether `wandb login` has left a key for the server that is set."""
    host = urlsplit(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).netloc
    try:
        return netrc.netrc(os.environ.get("NETRC")).authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False
