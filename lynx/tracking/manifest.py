"""Writes down what a run was made of: code, packages, machine, command, data."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from lynx.config.paths import repository_root
from lynx.tracking.files import write_json_atomic
from lynx.tracking.run_dir import RunDir

PACKAGES = (
    "lynx-lab", "torch", "lightning", "transformers", "deepspeed", "webdataset",
    "omegaconf", "numpy", "pillow", "safetensors", "tokenizers", "wandb",
)  # fmt: skip


def write_manifest(
    run_dir: RunDir, *, command: Sequence[str], fingerprints: Mapping[str, Any]
) -> None:
    """Write `manifest.json` for a run that is about to start.

    command: as typed, one item per word. fingerprints: JSON values that identify the data and the
    frozen weights, by name.
    """
    write_json_atomic(
        run_dir.manifest_path,
        {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": list(command),
            "git": git_state(),
            "python": platform.python_version(),
            "packages": package_versions(),
            "device": device_description(),
            "fingerprints": dict(fingerprints),
        },
    )


def git_state() -> dict[str, Any]:
    """Commit and whether tracked files differ from it; both None outside a git checkout."""
    commit = _git("rev-parse", "HEAD")
    changes = _git("status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "dirty": None if changes is None else bool(changes)}


def package_versions() -> dict[str, str | None]:
    """Version of each package that can change a number; None where it is not installed."""
    return {name: _version(name) for name in PACKAGES}


def device_description() -> dict[str, Any]:
    """Processor, its threads in use, and the GPUs that torch sees."""
    import torch

    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return {
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "gpus": gpus,
    }


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=repository_root(), capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
