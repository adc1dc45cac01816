"""Where the repository is, so that names in YAML mean the same from any working directory."""

from __future__ import annotations

import os
from pathlib import Path


def repository_root() -> Path:
    """The folder that holds experiments/, ablations/, data_recipes/ and backbones/.

    LYNX_ROOT when it is set, else the parent of the `lynx` package.
    """
    stated = os.environ.get("LYNX_ROOT")
    return Path(stated).resolve() if stated else Path(__file__).resolve().parents[2]


def from_root(path: str | os.PathLike[str]) -> Path:
    """`path` itself when absolute (`~` is expanded), else under the repository root."""
    return repository_root() / Path(path).expanduser()
