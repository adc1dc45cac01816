"""Catalogs: where the shards of each source are."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from lynx.config.errors import LynxError
from lynx.config.files import named_file, shown
from lynx.config.nearest import nearest_hint
from lynx.config.paths import from_root
from lynx.config.schema import DataConfig

_FOLDER = "data_recipes/catalogs"


def load_catalog(data: DataConfig, sources: Iterable[str]) -> dict[str, Path]:
    """Folder of shards of each of `sources`.

    `data.catalog` is the name of a file in `data_recipes/catalogs/`, or the path of a YAML file.
    Raises LynxError with all sources that it doesn't have or whose folder doesn't exist.
    """
    catalog = data.catalog
    is_path = catalog.endswith(".yaml")
    path = from_root(catalog) if is_path else named_file(_FOLDER, catalog, kind="catalog")
    folders = _folders(path)
    found: dict[str, Path] = {}
    problems = []
    for source in sources:
        if source not in folders:
            problems.append(f"sources.{source}: not listed{nearest_hint(source, folders)}")
            continue
        found[source] = from_root(folders[source])
        if not found[source].is_dir():
            problems.append(f"sources.{source}: there is no folder {found[source]}")
    if problems:
        raise LynxError(f"{shown(path)}:\n  " + "\n  ".join(problems))
    return found


def _folders(path: Path) -> dict[str, str]:
    """The section `sources`, with `${...}` filled in."""
    try:
        content = OmegaConf.to_container(OmegaConf.load(path), resolve=True)
    except (OSError, OmegaConfBaseException) as error:
        raise LynxError(f"{shown(path)}: can't be read: {error}") from error
    sources = content.get("sources") if isinstance(content, dict) else None
    if not isinstance(sources, dict):
        raise LynxError(f"{shown(path)}: `sources` must map source names to folders of shards")
    return {str(source): str(folder) for source, folder in sources.items()}
