"""Finds a baseline's checkpoint on this machine, or downloads it when asked to, and loads it."""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import transformers
from huggingface_hub import HfApi

from lynx.baselines.adapters.base import Adapter
from lynx.baselines.adapters.blip import Blip2Adapter, InstructBlipAdapter
from lynx.baselines.adapters.chat import ChatAdapter
from lynx.baselines.adapters.idefics import IdeficsAdapter
from lynx.baselines.adapters.llava import LlavaAdapter
from lynx.baselines.known import Baseline, Family
from lynx.config.errors import LynxError
from lynx.config.paths import from_root
from lynx.model.downloads import fetch_repository
from lynx.model.pretrained import (
    cached_snapshot,
    find_checkpoint,
    is_hub_name,
    lacking,
    shape_of,
)

_ADAPTERS: Mapping[Family, type[Adapter]] = {
    "blip2": Blip2Adapter,
    "instructblip": InstructBlipAdapter,
    "llava": LlavaAdapter,
    "idefics": IdeficsAdapter,
    "chat": ChatAdapter,
}
# What a processor may need beside settings and weights.
_EXTRAS = ("*.txt", "*.jinja", "*tokenizer*/*")
_EDGE = 1 << 20  # bytes of a weights file's start and end that its identity looks at


def checkpoint_folder(baseline: Baseline, *, download: bool = False) -> Path:
    """The folder of a baseline's checkpoint.

    A run never downloads by itself: several gigabytes come only with `download`. Raises LynxError
    where the checkpoint isn't here, saying how it gets here, or lacks a file.
    """
    name = baseline.checkpoint
    if not name:
        raise LynxError(
            f"{baseline.name} is a way of asking, and no model: name one with --checkpoint, a "
            "folder or owner/name on the Hub"
        )
    if download and not from_root(name).is_dir():
        if not is_hub_name(name):
            raise LynxError(f"--download: {name} is not of the form owner/name on the Hub")
        return _downloaded(name)
    found = find_checkpoint(name)
    if found is None:
        size = "" if baseline.download_gb is None else f" (about {baseline.download_gb:g} GB)"
        raise LynxError(
            f"{baseline.name}: {name} is no folder ({from_root(name)})"
            + (
                f", and not in the Hub's cache: add --download to bring it there{size}, or give a "
                "folder with --checkpoint"
                if is_hub_name(name)
                else "; give a folder with config.json and weights, or owner/name on the Hub"
            )
        )
    if missing := lacking(found):
        again = "; --download brings it" if is_hub_name(name) else ""
        raise LynxError(f"{baseline.name}: {found} has no {', no '.join(missing)}{again}")
    return found


def load_adapter(
    baseline: Baseline, folder: Path, *, device: torch.device, dtype: torch.dtype
) -> Adapter:
    """The model in evaluation mode with its processor; no code of the checkpoint's authors runs.

    Raises LynxError where the checkpoint is of another family, or `transformers` can't load it.
    """
    _check_family(baseline, folder)
    try:
        processor = transformers.AutoProcessor.from_pretrained(folder, local_files_only=True)
        model = _model_class(baseline).from_pretrained(folder, local_files_only=True, dtype=dtype)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise LynxError(
            f"{baseline.name}: transformers can't load {folder} for the adapter "
            f"{baseline.adapter}: {error}"
        ) from error
    if not hasattr(processor, "tokenizer"):
        raise LynxError(
            f"{baseline.name}: {folder} gives a {type(processor).__name__}, and no processor of "
            "pictures and text; processor_config.json or preprocessor_config.json is missing"
        )
    if baseline.adapter == "chat" and not getattr(processor, "chat_template", None):
        raise LynxError(
            f"{baseline.name}: {folder} has no chat template; write a YAML file with `adapter: "
            "llava` and a `template` for it"
        )
    return adapter_class(baseline)(baseline, model.to(device).eval(), processor)


def identity_of(folder: Path, name: str) -> str:
    """Which weights these are: the Hub's commit, or a digest of the folder's files.

    Of a large file the digest sees size, start and end: whole, it would take minutes.
    """
    if is_hub_name(name) and cached_snapshot(name) == folder:
        return f"{name}@{folder.name}"
    digest = hashlib.sha256()
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        size = path.stat().st_size
        digest.update(f"{path.relative_to(folder)}\0{size}\0".encode())
        with path.open("rb") as stream:
            digest.update(stream.read(_EDGE))
            stream.seek(max(size - _EDGE, 0))
            digest.update(stream.read())
    return digest.hexdigest()[:16]


def adapter_class(baseline: Baseline) -> type[Adapter]:
    """How the baseline's family is asked."""
    found: type[Adapter] = _ADAPTERS[baseline.adapter]
    return found


def _check_family(baseline: Baseline, folder: Path) -> None:
    """A model of another family would load, and be asked in a form it doesn't know."""
    right = adapter_class(baseline).model_types
    found = shape_of(str(folder), key="checkpoint").get("model_type")
    if right and found not in right:
        raise LynxError(
            f"{baseline.name}: {folder} is of the type {found}, and the adapter {baseline.adapter} "
            f"asks {' or '.join(right)}; `lynx baseline chat --checkpoint ...` asks any with a "
            "chat template"
        )


def _model_class(baseline: Baseline) -> Any:
    """The class of `transformers` that the adapter asks."""
    if baseline.adapter == "instructblip" and baseline.video == "native":
        return transformers.InstructBlipVideoForConditionalGeneration
    return transformers.AutoModelForImageTextToText


def _downloaded(repo: str) -> Path:
    """Settings, weights in one format, and what the processor needs, in the Hub's cache."""
    folder = fetch_repository(repo)  # explains what goes wrong between here and the Hub
    names = HfApi().list_repo_files(repo)
    extras = [
        name
        for name in names
        if any(fnmatch.fnmatch(name, pattern) for pattern in _EXTRAS)
        and not (folder / name).exists()
    ]
    return fetch_repository(repo, files=extras) if extras else folder
