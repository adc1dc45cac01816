"""Reads catalogs: the YAML files that say where the shards of each source are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lynx.config.errors import LynxError
from lynx.config.files import names_in, read_mapping, shown
from lynx.config.nearest import nearest_hint
from lynx.config.paths import from_root

CATALOGS = "data_recipes/catalogs"
WORLD = "world"  # the catalog that is built on first use and has every source


def read_catalog(catalog: str) -> Mapping[str, Any]:
    """The catalog's content, its `sources` checked, with `${...}` as it stands there."""
    path = catalog_path(catalog)
    content = read_mapping(path)
    sources = content.get("sources")
    if not isinstance(sources, dict):
        raise LynxError(f"{shown(path)}: `sources` must map source names to folders of shards")
    for source, folder in sources.items():
        if not isinstance(folder, str):
            raise LynxError(f"{shown(path)}: sources.{source}: {folder!r} is no path or URL")
    return content


def catalog_path(catalog: str) -> Path:
    """The file of `data.catalog`: a name in `data_recipes/catalogs/`, or the path of a YAML file.

    Not for `world`, which has no file.
    """
    is_path = catalog.endswith(".yaml")
    path = from_root(catalog if is_path else f"{CATALOGS}/{catalog}.yaml")
    if not path.is_file():
        hint = "" if is_path else nearest_hint(catalog, [WORLD, *names_in(CATALOGS)])
        raise LynxError(f"data.catalog: no catalog `{catalog}`: there is no {shown(path)}{hint}")
    return path
