"""Reads the YAML files a person writes, and names the file in every complaint."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from io import StringIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from omegaconf import OmegaConf

from lynx.config.errors import LynxError
from lynx.config.nearest import nearest_hint
from lynx.config.paths import repository_root


def names_in(folder: str) -> list[str]:
    """Names of the YAML files of a folder below the root, sorted, without their ending."""
    return sorted(path.stem for path in (repository_root() / folder).glob("*.yaml"))


def named_file(folder: str, name: str, *, kind: str) -> Path:
    """The file of `name`; an unknown name is a LynxError that says which is nearest."""
    path = repository_root() / folder / f"{name}.yaml"
    if not path.is_file():
        hint = nearest_hint(name, names_in(folder))
        raise LynxError(f"no {kind} named `{name}`: there is no {shown(path)}{hint}")
    return path


def read_mapping(path: Path) -> Mapping[str, Any]:
    """The mapping in a YAML file, interpolations left as they are; an empty file gives {}.

    OmegaConf's reader is stricter than PyYAML's: it takes 1e-4 as a number and refuses a key that
    is written twice.
    """
    try:
        content = _parsed(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LynxError(f"{shown(path)}: can't be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise LynxError(f"{shown(path)}: not readable as YAML: {error}") from error
    if not isinstance(content, dict):
        raise LynxError(f"{shown(path)}: holds a list; a mapping of keys to values is needed")
    return MappingProxyType({str(key): value for key, value in content.items()})


@lru_cache(maxsize=256)
def _parsed(text: str) -> Any:
    """The content of a YAML text; kept, since parsing all pools takes a tenth of a second."""
    return OmegaConf.to_container(OmegaConf.load(StringIO(text)), resolve=False)


def shown(path: Path) -> str:
    """`path` as messages print it: relative to the repository root where it lies below it."""
    try:
        return str(path.relative_to(repository_root()))
    except ValueError:
        return str(path)


def flattened(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one mapping of dotted keys to leaves; lists are leaves."""
    leaves: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            leaves |= flattened(value, f"{prefix}{key}.")
        else:
            leaves[f"{prefix}{key}"] = value
    return leaves


def nested(leaves: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `flattened`."""
    tree: dict[str, Any] = {}
    for key, value in leaves.items():
        *parents, last = key.split(".")
        branch = tree
        for parent in parents:
            branch = branch.setdefault(parent, {})
        branch[last] = value
    return tree
