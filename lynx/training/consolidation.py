"""Turns a stage's checkpoint, however it was trained, into one file of trained parts."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from lynx.config.errors import LynxError
from lynx.config.schema import STAGE_NAMES
from lynx.model.checkpoint import read_metadata, write_checkpoint
from lynx.model.parts import part_of
from lynx.tracking.run_dir import RunDir
from lynx.training.checkpoint_io import PATTERN, latest_checkpoint
from lynx.training.stages import final_path
from lynx.training.zero_checkpoint import client_state, whole_weights


def consolidate(source: Path, out: Path | None = None) -> Path:
    """Write the trained parts of a checkpoint as `load_trained_parts` reads them; gives the file.

    source: a checkpoint (DDP's file or DeepSpeed's folder), or a stage's folder or the one with its
    checkpoints, whose last is taken. out: by default beside the checkpoint, of its name.
    """
    checkpoint = _checkpoint(source.resolve())
    out = out or checkpoint.with_suffix(".safetensors")
    if out.exists():
        raise LynxError(f"--out: {out} is there already; remove it, or give another name")
    content = read_content(checkpoint)
    trained = content.get("trained", {})
    stage = trained.get("stage")
    if stage not in STAGE_NAMES:
        raise LynxError(f"{checkpoint}: not written by this version of the suite")
    state = _trained_tensors(checkpoint, content)
    if set(trained["parts"]) - {part_of(name) for name in state}:
        state = _inherited(checkpoint, stage, parent=trained["parent"]) | state
    metadata = {"stage": stage, "key": content["stage_key"], "steps": content["global_step"]}
    write_checkpoint(
        out, state, parts=trained["parts"], identities=trained["identities"], metadata=metadata
    )
    return out


def read_content(checkpoint: Path) -> dict[str, Any]:
    """What the module has put into a checkpoint of DDP or DeepSpeed; tensors are mapped, not read.

    LynxError where it can't be read.
    """
    try:
        if checkpoint.is_dir():
            return client_state(checkpoint)
        content: dict[str, Any] = torch.load(
            checkpoint, map_location="cpu", weights_only=True, mmap=True
        )
    except ModuleNotFoundError as error:  # the folder's files hold objects of DeepSpeed
        raise LynxError(
            f"{checkpoint} was written by DeepSpeed, which is not installed here; "
            "`pip install -c constraints.txt -e '.[deepspeed]'`"
        ) from error
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise LynxError(f"{checkpoint}: not readable as a checkpoint: {error}") from error
    return content


def _checkpoint(source: Path) -> Path:
    """The checkpoint itself."""
    if PATTERN.fullmatch(source.name):
        if not source.exists():
            raise LynxError(f"{source}: there is no such checkpoint")
        return source
    found = latest_checkpoint(source / "checkpoints") or latest_checkpoint(source)
    if found is None:
        raise LynxError(
            f"{source}: neither a checkpoint (step00000100.ckpt) nor a stage's folder with one; a "
            "complete stage has its trained parts in checkpoints/final.safetensors"
        )
    return found


def _trained_tensors(checkpoint: Path, content: Mapping[str, Any]) -> dict[str, Tensor]:
    """By their names in the model."""
    if checkpoint.is_dir():
        return whole_weights(checkpoint)
    return {name.removeprefix("model."): t for name, t in content["state_dict"].items()}


def _inherited(checkpoint: Path, stage: str, *, parent: str | None) -> dict[str, Tensor]:
    """The parts of the stage before: DeepSpeed's checkpoints leave out what isn't trained now."""
    run_dir = RunDir(checkpoint.parent.parent.parent)
    previous = STAGE_NAMES[STAGE_NAMES.index(stage) - 1]
    path = final_path(run_dir, previous)
    if not path.exists():
        raise LynxError(
            f"{checkpoint}: holds what stage {stage} trains; the parts that earlier stages trained "
            f"are read from {path}, which is missing; put it there"
        )
    if read_metadata(path)["key"] != parent:
        raise LynxError(
            f"{checkpoint}: was trained after another stage {previous} than the one in {path}; "
            "the parts that this one doesn't train are lost, so the checkpoint can't be used"
        )
    return safetensors.torch.load_file(path)
