"""Where published benchmarks are had: `origins.yaml`, and the files that can be fetched at once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

import fsspec
import yaml

from lynx.config.errors import LynxError
from lynx.config.nearest import nearest_hint
from lynx.config.paths import from_root
from lynx.tracking.files import write_bytes_atomic


@dataclass(frozen=True)
class RemoteFile:
    """A published file and the checksum of what is expected there."""

    url: str
    sha256: str


@dataclass(frozen=True)
class Origin:
    """A benchmark's home, and where its files are looked for on this machine."""

    home: str
    variable: str  # of the environment; names the folder
    folder: str  # without it, from the repository's root
    by_hand: str  # what nobody can fetch for you
    files: Mapping[str, RemoteFile] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """The folder where the scale `paper` looks for the files."""
        return from_root(os.environ.get(self.variable) or self.folder)


@cache
def origins() -> dict[str, Origin]:
    """Every published benchmark by its format's name."""
    text = files("lynx.evaluation.benchmarks").joinpath("origins.yaml").read_text("utf-8")
    return {
        name: Origin(
            **{
                **entry,
                "files": {key: RemoteFile(**one) for key, one in entry.get("files", {}).items()},
            }
        )
        for name, entry in yaml.safe_load(text).items()
    }


def fetch(name: str) -> list[Path]:
    """Download what can be had without asking anyone; files that are there already are checked.

    Raises LynxError for an unknown name, where nothing can be fetched, where the file can't be
    reached, and where it isn't the expected one.
    """
    if name not in origins():
        hint = nearest_hint(name, origins())
        raise LynxError(f"no benchmark `{name}`{hint}; there are: {', '.join(origins())}")
    origin = origins()[name]
    if not origin.files:
        raise LynxError(f"{name} can't be fetched from {origin.home}: {origin.by_hand}")
    return [_fetched(one, origin.path / file) for file, one in origin.files.items()]


def _fetched(remote: RemoteFile, target: Path) -> Path:
    if target.is_file():
        _check(target.read_bytes(), remote, f"{target}, which is there already,")
        return target
    try:
        with fsspec.open(remote.url, "rb") as stream:
            content: bytes = stream.read()
    except Exception as error:  # each of fsspec's file systems has errors of its own
        raise LynxError(
            f"{remote.url} can't be fetched ({error}); download it elsewhere and put it at {target}"
        ) from error
    _check(content, remote, remote.url)
    write_bytes_atomic(target, content)
    return target


def _check(content: bytes, remote: RemoteFile, what: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != remote.sha256:
        raise LynxError(
            f"{what} is not the published file: sha256 {found[:12]}..., not {remote.sha256[:12]}..."
        )
