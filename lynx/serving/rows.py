"""Finds a row of Table 9 by name, with single settings replaced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, cast

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from lynx.config.errors import LynxError
from lynx.config.files import first_line
from lynx.config.nearest import nearest_hint
from lynx.config.ranges import RANGES
from lynx.config.schema import GenerationConfig

DEFAULT_ROW = "demo"
Row = str | Mapping[str, Any]
_SETTINGS = [setting.name for setting in fields(GenerationConfig)]
# Table 9 stars three rows: they decode the description that comes first.
_DESCRIBED_BY = {"owleval": "owleval_description", "visit_bench": "visit_bench_description"}
_DESCRIBED_BY_DEFAULT = "video_description"


def decoding_of(rows: Mapping[str, GenerationConfig], row: Row) -> dict[str, Any]:
    """The settings of a row.

    row: a name; a text such as `demo num_beams=1 do_sample=false`; or a mapping of settings, whose
    key `row` names the one that they are laid over (else `demo`). Raises LynxError.
    """
    name, changes = _parsed(row)
    if name not in rows:
        raise LynxError(
            f"no row '{name}' of Table 9{nearest_hint(name, list(rows))}; there are: "
            f"{', '.join(rows)}"
        )
    for key in changes:
        if key not in _SETTINGS:
            raise LynxError(
                f"row '{name}': unknown setting '{key}'{nearest_hint(key, _SETTINGS)}; "
                f"there are: {', '.join(_SETTINGS)}"
            )
    try:
        merged = OmegaConf.merge(OmegaConf.structured(rows[name]), dict(changes))
    except (OmegaConfBaseException, ValueError) as error:
        raise LynxError(f"row '{name}': {first_line(error)}") from error
    settings = asdict(cast(GenerationConfig, OmegaConf.to_object(merged)))
    for key, value in settings.items():
        allowed = RANGES.get(f"evaluation.generation.*.{key}")
        if allowed is not None and value not in allowed:
            raise LynxError(f"row '{name}': {key}: {value} is not {allowed}")
    return settings


def description_row(rows: Mapping[str, GenerationConfig], row: Row) -> str:
    """Name of the starred row that decodes the description before an answer of `row`."""
    name = _DESCRIBED_BY.get(_parsed(row)[0], _DESCRIBED_BY_DEFAULT)
    if name not in rows:
        raise LynxError(f"describe first: no row '{name}' of Table 9 in the run's configuration")
    return name


def _parsed(row: Row) -> tuple[str, dict[str, Any]]:
    if not isinstance(row, str):
        changes = dict(row)
        return changes.pop("row", DEFAULT_ROW), changes
    words = row.split()
    if not words or "=" in words[0]:
        words = [DEFAULT_ROW, *words]
    name, *settings = words
    for setting in settings:
        if "=" not in setting:
            raise LynxError(f"row '{name}': `{setting}` is not of the form setting=value")
    return name, dict(OmegaConf.to_container(OmegaConf.from_dotlist(settings)))  # type: ignore[arg-type]
