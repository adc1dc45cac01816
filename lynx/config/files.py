"""Reads the YAML files a person writes, and names the file in every complaint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from io import StringIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import KeyValidationError, OmegaConfBaseException

from lynx.config.errors import LynxError
from lynx.config.nearest import nearest_hint
from lynx.config.paths import repository_root


def names_in(folder: str) -> list[str]:
    """Names of the YAML files of a folder below the root, sorted, without their ending."""
    return sorted(path.stem for path in (repository_root() / folder).glob("*.yaml"))


def named_file(folder: str, name: str, *, kind: str) -> Path:
    """The file of `name`; an unknown name is a LynxError that says which is nearest."""
    path = repository_root() / folder / f"{name}.yaml"
    known = names_in(folder)
    if name not in known:
        hint = nearest_hint(name, known)
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
    except OmegaConfBaseException as error:
        raise LynxError(f"{shown(path)}: {_refusal(error)}") from error
    if not isinstance(content, dict):
        held = "a list" if isinstance(content, list) else repr(content)
        raise LynxError(f"{shown(path)}: holds {held}; a mapping of keys to values is needed")
    return MappingProxyType({str(key): value for key, value in content.items()})


@lru_cache(maxsize=256)
def _parsed(text: str) -> Any:
    """The content of a YAML text; kept, since parsing all pools takes a tenth of a second."""
    try:
        return OmegaConf.to_container(OmegaConf.load(StringIO(text)), resolve=False)
    except OSError:  # what OmegaConf says of a text that is a number
        return yaml.safe_load(text)


def _refusal(error: OmegaConfBaseException) -> str:
    """What OmegaConf refuses in a text that is YAML, in words for who wrote it."""
    if isinstance(error, KeyValidationError):
        below = f" below `{error.full_key}`" if error.full_key else ""
        return f"a key{below} is empty or null; give it a name, in quotes if that is `null`"
    place = f"`{error.full_key}`: " if error.full_key else ""
    return f"{place}{first_line(error)}; a reference is written ${{like.this}}"


def first_line(error: Exception) -> str:
    """What an error says, without the lines in which OmegaConf tells of its own insides."""
    return str(error).split("\n", 1)[0]


def require_keys(content: Any, keys: Sequence[str], place: str) -> Mapping[str, Any]:
    """`content` itself, when it is a mapping of exactly `keys`; else a LynxError at `place`."""
    if not isinstance(content, Mapping):
        raise LynxError(f"{place} must be a mapping of {', '.join(keys)}, not {content!r}")
    for key in content:
        if key not in keys:
            raise LynxError(f"{place}: unknown key `{key}`{nearest_hint(str(key), keys)}")
    missing = [key for key in keys if key not in content]
    if missing:
        raise LynxError(f"{place}: `{missing[0]}` is missing; the keys are {', '.join(keys)}")
    return content


def shown(path: Path) -> str:
    """`path` as messages print it: relative to the repository root where it lies below it."""
    try:
        return str(path.relative_to(repository_root()))
    except ValueError:
        return str(path)


def flattened(tree: Mapping[str, Any], *, origin: str = "") -> dict[str, Any]:
    """Nested mappings as one mapping of dotted keys to leaves; lists are leaves.

    A key that is there both dotted and nested is a LynxError of `origin`: one would be lost.
    """
    leaves: dict[str, Any] = {}
    for key, value in _leaves(tree, ""):
        if key in leaves:
            raise LynxError(f"{origin}: `{key}` is given twice, {leaves[key]!r} and {value!r}")
        leaves[key] = value
    return leaves


def _leaves(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def check_no_empty_mapping(leaves: Mapping[str, Any], *, origin: str) -> None:
    """An empty mapping looks like "none of these" and, being merged, does nothing at all."""
    for key, value in leaves.items():
        if value == {}:
            raise LynxError(
                f"{origin}: `{key}` is an empty mapping, which changes nothing; "
                "give the keys below it that should change, or take it out"
            )


def nested(leaves: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `flattened`."""
    tree: dict[str, Any] = {}
    for key, value in leaves.items():
        *parents, last = key.split(".")
        branch = tree
        for parent in parents:
            branch = branch.setdefault(parent, {})
        if value == {}:
            branch.setdefault(last, {})  # an empty mapping takes nothing away
        else:
            branch[last] = value
    return tree
