"""Opens published checkpoints of vision encoders by name of tensor, without reading them whole."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from lynx.config.errors import LynxError
from lynx.config.files import first_line

Tensors = Mapping[str, Callable[[], Tensor]]  # name -> what maps it into memory
_WRAPPERS = ("model_ema", "model", "module", "state_dict")
_IN_FOLDER = ("model.safetensors.index.json", "model.safetensors")


@contextmanager
def opened_checkpoint(source: Path) -> Iterator[tuple[Tensors, tuple[str, ...]]]:
    """The tensors of a checkpoint, and what stands beside them in the file (`optimizer`, ...).

    source: a file of `torch.save`, a safetensors file, the index of several, or a folder of these.
    Tensors are mapped, not read, but for files of torch before 1.6, which can't be.
    """
    if source.is_dir():
        found = [source / name for name in _IN_FOLDER if (source / name).is_file()]
        if not found:
            raise LynxError(f"{source}: holds none of {', '.join(_IN_FOLDER)}; name the file")
        source = found[0]
    if not source.is_file():
        raise LynxError(f"{source}: no such file")
    with ExitStack() as stack:
        try:
            tensors, beside = _opened(source, stack)
        except LynxError:
            raise
        except Exception as error:  # what is no pickle makes the unpickler raise anything
            reason = first_line(error)
            raise LynxError(f"{source}: not readable as a checkpoint: {reason}") from error
        yield tensors, beside


def _opened(source: Path, stack: ExitStack) -> tuple[Tensors, tuple[str, ...]]:
    if source.name.endswith(".index.json"):
        names = json.loads(source.read_text(encoding="utf-8"))["weight_map"].values()
        return _from_safetensors([source.parent / n for n in sorted(set(names))], stack), ()
    if source.suffix == ".safetensors":
        return _from_safetensors([source], stack), ()
    return _from_torch(source)


def _from_safetensors(paths: list[Path], stack: ExitStack) -> Tensors:
    tensors: dict[str, Callable[[], Tensor]] = {}
    for path in paths:
        file = stack.enter_context(safe_open(path, framework="pt"))
        for name in file.keys():  # noqa: SIM118 (a file)
            tensors[name] = partial(file.get_tensor, name)
    return tensors


def _from_torch(path: Path) -> tuple[Tensors, tuple[str, ...]]:
    content, beside = _load(path), []
    while wrapper := next((w for w in _WRAPPERS if isinstance(content.get(w), Mapping)), None):
        beside += [name for name in content if name != wrapper]
        content = content[wrapper]
    beside += [name for name, value in content.items() if not isinstance(value, Tensor)]
    tensors = {
        name: lambda value=value: value
        for name, value in content.items()
        if isinstance(value, Tensor)
    }
    return tensors, tuple(map(str, beside))


def _load(path: Path) -> Mapping[str, Any]:
    """What `torch.save` wrote; nothing in the file is run."""
    options: dict[str, Any] = {"map_location": "cpu", "weights_only": True}
    # Training scripts of EVA and LAVIS put their command line's Namespace beside the weights.
    with torch.serialization.safe_globals([argparse.Namespace]):
        try:
            content = torch.load(path, mmap=True, **options)
        except RuntimeError as error:
            if "mmap can only be used" not in str(error):
                raise
            content = torch.load(path, **options)
    if not isinstance(content, Mapping):
        raise LynxError(f"{path}: holds a {type(content).__name__}, not tensors by name")
    return content
