"""Catalogs: where the shards of each source are."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from lynx.config.catalog_files import catalog_path, read_catalog
from lynx.config.errors import LynxError
from lynx.config.files import first_line, shown
from lynx.config.nearest import nearest_hint
from lynx.config.paths import from_root
from lynx.config.schema import DataConfig


def load_catalog(data: DataConfig, sources: Iterable[str]) -> dict[str, str | Path]:
    """Folder or URL of the shards of each of `sources`.

    `data.catalog` is the name of a file in `data_recipes/catalogs/`, or the path of a YAML file.
    Raises LynxError with all sources that it doesn't have or whose folder doesn't exist.
    """
    folders = _folders(data.catalog)
    found: dict[str, str | Path] = {}
    problems = []
    for source in sources:
        if source not in folders:
            problems.append(f"sources.{source}: not listed{nearest_hint(source, folders)}")
            continue
        if "://" in folders[source]:
            found[source] = folders[source]
            continue
        folder = found[source] = from_root(folders[source])
        if not folder.is_dir():
            problems.append(f"sources.{source}: there is no folder {folder}")
    if problems:
        raise LynxError(f"{shown(catalog_path(data.catalog))}:\n  " + "\n  ".join(problems))
    return found


def _folders(catalog: str) -> dict[str, str]:
    """The section `sources`, with `${...}` filled in."""
    content = OmegaConf.create(dict(read_catalog(catalog)))
    try:
        resolved = cast(dict[str, Any], OmegaConf.to_container(content, resolve=True))
    except OmegaConfBaseException as error:
        place = f"{shown(catalog_path(catalog))}: `{error.full_key}`"
        raise LynxError(f"{place}: {first_line(error)}") from error
    return {str(source): str(folder) for source, folder in resolved["sources"].items()}
