"""Writes a stage's checkpoints so that a kill at any moment leaves the last one whole."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import CheckpointIO

from lynx.config.errors import LynxError

PATTERN = re.compile(r"step(\d+)\.ckpt")


class AtomicCheckpointIO(CheckpointIO):
    """Checkpoints as single files: written beside the target, synced, renamed."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        """Write the checkpoint to `path`."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.tmp")
        self.remove_checkpoint(temporary)
        with temporary.open("wb") as stream:  # not by way of memory: a state may be large
            torch.save(checkpoint, stream)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target)

    def load_checkpoint(
        self,
        path: Any,
        map_location: Callable[..., Any] | None = None,
        weights_only: bool | None = None,
    ) -> dict[str, Any]:
        """Read the checkpoint at `path` onto the CPU; LynxError if it isn't one file."""
        if Path(path).is_dir():
            raise LynxError(
                f"--resume: {path} was written by DeepSpeed; go on with "
                "hardware.strategy=deepspeed, or run without --resume to start the stage anew"
            )
        loaded: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        return loaded

    def remove_checkpoint(self, path: Any) -> None:
        """Delete the checkpoint at `path`, a file or (DeepSpeed) a folder."""
        target = Path(path)
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)


def checkpoint_path(folder: Path, step: int) -> Path:
    """Where the checkpoint after `step` optimizer steps belongs."""
    return folder / f"step{step:08d}.ckpt"


def checkpoints(folder: Path) -> list[Path]:
    """The finished checkpoints in a folder, oldest first; unfinished ones have other names."""
    found = (path for path in folder.glob("step*.ckpt") if PATTERN.fullmatch(path.name))
    return sorted(found)


def latest_checkpoint(folder: Path) -> Path | None:
    """The newest finished checkpoint, or None."""
    found = checkpoints(folder)
    return found[-1] if found else None


def remove_checkpoints(folder: Path, *, keep: Path | None = None) -> None:
    """Delete the checkpoints in a folder but `keep`, and what a kill left unfinished."""
    for path in [*checkpoints(folder), *folder.glob(".*.tmp")]:
        if path != keep:
            AtomicCheckpointIO().remove_checkpoint(path)
