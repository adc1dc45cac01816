"""Reads the folders that DeepSpeed writes as checkpoints, and rearranges them."""

from __future__ import annotations

import contextlib
import io
import shutil
from argparse import Namespace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lynx.config.errors import LynxError

_TAG = "checkpoint"  # of Lightning's strategy; the folder inside with the files


def check_written_by_zero(path: Path, *, splits_weights: bool) -> None:
    """LynxError unless the path is a checkpoint of ZeRO-3 (splits_weights), or else of 1 or 2."""
    if not path.is_dir():
        raise LynxError(
            f"--resume: {path} was not written by DeepSpeed; go on with the hardware.strategy it "
            "was written with, or run without --resume to start the stage anew"
        )
    if any((path / _TAG).glob("zero_pp_rank_*_model_states.pt")) != splits_weights:
        theirs, ours = ("1 or 2", "3") if splits_weights else ("3", "1 or 2")
        raise LynxError(
            f"--resume: {path} was written with hardware.zero_stage {theirs}, which {ours} can't "
            "read; go on with that, or run without --resume to start the stage anew"
        )


def num_ranks(path: Path) -> int:
    """Of the processes that have written the checkpoint."""
    return len(list((path / _TAG).glob("*_optim_states.pt")))


def write_universal(path: Path, universal: Path) -> None:
    """Write the checkpoint beside it in DeepSpeed's form for any number of processes."""
    from deepspeed.checkpoint.ds_to_universal import main as convert

    shutil.rmtree(universal, ignore_errors=True)
    source, target = path.absolute(), Path(universal.name)
    # It takes the folder for a regular expression, in which a run's name means something else.
    with contextlib.redirect_stdout(io.StringIO()), contextlib.chdir(universal.parent):
        convert(
            Namespace(
                input_folder=str(source / _TAG),
                output_folder=str(target / _TAG),
                num_extract_workers=1,
                num_merge_workers=1,
                keep_temp_folder=False,
                strict=True,
                inject_missing_state=True,
            )
        )
    (universal / "latest_universal").write_text(_TAG)
    (universal / "latest").write_text(_TAG)


def whole_weights(path: Path) -> dict[str, Tensor]:
    """The trained weights of the checkpoint, whole, float32, by their names in the model."""
    from deepspeed.utils.zero_to_fp32 import get_fp32_state_dict_from_zero_checkpoint

    with contextlib.redirect_stdout(io.StringIO()):
        found = get_fp32_state_dict_from_zero_checkpoint(
            str(path), tag=_TAG, exclude_frozen_parameters=True
        )
    return {name.removeprefix("model."): tensor.contiguous() for name, tensor in found.items()}


def client_state(path: Path) -> dict[str, Any]:
    """What was put into the checkpoint beside weights and optimizer state; tensors are mapped."""
    first = min((path / _TAG).glob("*_model_states.pt"), default=None)
    if first is None:
        raise LynxError(f"{path}: no checkpoint of DeepSpeed, as there is no *_model_states.pt")
    content: dict[str, Any] = torch.load(first, map_location="cpu", weights_only=False, mmap=True)
    return content
