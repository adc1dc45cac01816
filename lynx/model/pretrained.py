"""Where a pretrained model lies: in a folder, or as a snapshot in the Hub's cache."""

from __future__ import annotations

import json
import re
from pathlib import Path

from huggingface_hub import try_to_load_from_cache
from huggingface_hub.errors import HFValidationError

from lynx.config.errors import LynxError
from lynx.config.known_backbones import known_backbones
from lynx.config.paths import from_root

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


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


def missing_shards(folder: Path) -> list[str]:
    """Files that an index of weights in `folder` names and that aren't there."""
    named: set[str] = set()
    for path in folder.glob("*.index.json"):
        try:
            named |= set(json.loads(path.read_text(encoding="utf-8"))["weight_map"].values())
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise LynxError(f"{path}: not readable as an index of weights: {error!r}") from error
    return sorted(name for name in named if not (folder / name).exists())
