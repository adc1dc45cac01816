"""Where a pretrained model lies, in a folder or the Hub's cache, and what its files say of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import try_to_load_from_cache
from huggingface_hub.errors import HFValidationError

from lynx.config.errors import LynxError
from lynx.config.files import shown
from lynx.config.known_backbones import KNOWN, known_backbones
from lynx.config.nearest import nearest_hint
from lynx.config.paths import from_root

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_WEIGHTS = (  # of a folder, in the order in which transformers looks for them
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)


def resolve_checkpoint(name: str, *, key: str) -> Path:
    """Folder of a checkpoint: a folder (relative to the repository root), or a name on the Hub.

    Of a name on the Hub, the snapshot in its cache. A run never downloads: its ranks would do so
    all at once, and unseen; the LynxError says what does. key: of the configuration, named in it.
    """
    found = find_checkpoint(name)
    if found is not None:
        return found
    path = from_root(name)
    if path.suffix == ".gguf":
        raise LynxError(
            f"{key}: {name} is a GGUF file, and a folder is needed; `lynx backbones convert {name} "
            "--out FOLDER` makes one"
        )
    wanted = f"{key}: {name} is no folder ({path})"
    entries = [entry.name for entry in known_backbones().values() if entry.checkpoint == name]
    if not is_hub_name(name) and not entries:
        raise LynxError(f"{wanted}; give a folder with config.json and weights")
    cache = ", and not in the Hub's cache" if is_hub_name(name) else ""
    raise LynxError(f"{wanted}{cache}; first `lynx backbones fetch {(*entries, name)[0]}`")


def find_checkpoint(name: str) -> Path | None:
    """The folder of a checkpoint, or None where it isn't on this machine."""
    folder = from_root(name)
    if folder.is_dir():
        return folder
    return cached_snapshot(name) if is_hub_name(name) else None


def is_hub_name(name: str) -> bool:
    """Whether `name` has the form of a repository on the Hub: owner/name."""
    return _HUB_NAME.fullmatch(name) is not None


def cached_snapshot(repo: str) -> Path | None:
    """The newest snapshot of a repository in the Hub's cache, or None."""
    try:
        found = try_to_load_from_cache(repo, "config.json")
    except HFValidationError:  # a relative path may have the form of a name
        return None
    return Path(found).parent if isinstance(found, str) else None


def is_at_hand(name: str) -> bool:
    """Whether a checkpoint is on this machine, with `config.json` and all of its weights."""
    folder = find_checkpoint(name)
    return folder is not None and not lacking(folder)


def lacking(folder: Path) -> list[str]:
    """What the folder of a model needs and doesn't have: `config.json`, weights, shards of them."""
    settings = [] if (folder / "config.json").is_file() else ["config.json"]
    weights = [] if _weights_file(folder) else [_WEIGHTS[0]]
    return [*settings, *weights, *missing_shards(folder)]


def shape_of(checkpoint: str, *, key: str) -> Mapping[str, Any]:
    """What the `config.json` of a checkpoint says, without downloading anything.

    From its folder or the Hub's cache, else from `backbones/known.yaml`. key: of the configuration,
    named in errors.
    """
    folder = find_checkpoint(checkpoint)
    if folder is not None and (folder / "config.json").is_file():
        return _read_json(folder / "config.json")
    entries = [entry for entry in known_backbones().values() if entry.checkpoint == checkpoint]
    if entries:
        return entries[0].shape
    names = [entry.checkpoint for entry in known_backbones().values()]
    cache = ", it isn't in the Hub's cache" if is_hub_name(checkpoint) else ""
    raise LynxError(
        f"{key}: the shape of {checkpoint} is unknown: there is no "
        f"{from_root(checkpoint) / 'config.json'}{cache}, and {KNOWN} has no entry of that "
        f"checkpoint{nearest_hint(checkpoint, names)}"
    )


def missing_shards(folder: Path) -> list[str]:
    """Files that the index of the weights to be loaded names and that aren't there."""
    path = _weights_file(folder)
    if path is None or path.suffix != ".json":
        return []
    try:
        named = set(json.loads(path.read_text(encoding="utf-8"))["weight_map"].values())
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise LynxError(f"{path}: not readable as an index of weights: {error!r}") from error
    return sorted(name for name in named if not (folder / name).exists())


def _weights_file(folder: Path) -> Path | None:
    return next((folder / name for name in _WEIGHTS if (folder / name).is_file()), None)


def _read_json(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LynxError(f"{shown(path)}: not readable as JSON: {error}") from error
    if not isinstance(content, dict):
        raise LynxError(f"{shown(path)}: holds no mapping of settings")
    return content
