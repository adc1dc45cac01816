"""Reads and writes files in the format of the authors' released checkpoints."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from lynx.config.errors import LynxError
from lynx.config.files import first_line
from lynx.model.released import with_prefix, without_prefix
from lynx.tracking.files import atomic_file


@dataclass(frozen=True)
class ReleasedFile:
    """A checkpoint's tensors by the names that the release's loading sees, and what else it has."""

    tensors: dict[str, Tensor]
    others: list[str]  # keys of what is no weight, such as an optimizer's state


def read_released(path: Path) -> ReleasedFile:
    """The content of `pretrain_lynx.pt` or `finetune_lynx.pt`, mapped from the disk, not copied.

    A file that holds anything beside tensors and plain values is a LynxError: unpickling it could
    run code.
    """
    if not path.is_file():
        raise LynxError(f"{path}: there is no such file")
    is_zip = zipfile.is_zipfile(path)  # what torch.save has written since version 1.6
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
    except Exception as error:  # what is no pickle makes the unpickler raise anything
        reason = first_line(error)
        raise LynxError(f"{path}: not readable as weights of torch.save: {reason}") from error
    state = content.get("model", content) if isinstance(content, Mapping) else content
    if not isinstance(state, Mapping):
        raise LynxError(f"{path}: holds a {type(state).__name__}; a mapping of names is needed")
    tensors = {name: value for name, value in state.items() if isinstance(value, Tensor)}
    if not tensors:
        raise LynxError(
            f"{path}: holds no tensors; its keys are {', '.join(map(str, state))[:200]}"
        )
    others = [str(name) for name in state if name not in tensors]
    if state is not content:
        others += [str(name) for name in content if name != "model"]
    return ReleasedFile(without_prefix(tensors), others)


def write_released(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors under the release's names, as its `load_pretrained` takes them."""
    state = with_prefix(tensors)
    with atomic_file(path) as temporary:
        torch.save(state, temporary)
