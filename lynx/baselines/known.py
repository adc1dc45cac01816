"""Reads the baselines that this project knows: one YAML file each in `baselines/`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from lynx.baselines.template import Template
from lynx.config.errors import LynxError
from lynx.config.files import named_file, names_in, read_mapping, shown
from lynx.config.nearest import nearest_hint

BASELINES = "baselines"  # folder below the repository root
Family = Literal["blip2", "instructblip", "llava", "idefics", "chat"]
Video = Literal["native", "pictures", "grid", "first"]
# What a family can do with a video's frames.
VIDEO_OF: Mapping[Family, tuple[Video, ...]] = {
    "blip2": ("grid", "first"),
    "instructblip": ("native", "grid", "first"),
    "llava": ("pictures", "grid", "first"),
    "idefics": ("pictures", "grid", "first"),
    "chat": ("pictures", "grid", "first"),
}


@dataclass(frozen=True)
class Baseline:
    """A model that isn't ours, and how it is asked; the fields of a file in `baselines/`."""

    name: str  # of its file, and of its runs' folder
    title: str  # as tables print it
    adapter: Family
    checkpoint: str  # owner/name on the Hub, or a folder; "": must be given with --checkpoint
    video: Video  # frames as the model's own kind of video, as pictures, as one grid, or the first
    template: Template | None = None  # None: the processor's own chat template
    num_frames: int | None = None  # of a video that are shown, evenly spaced; None: all
    end_tokens: tuple[str, ...] = ()  # that end an answer, beside the model's own
    banned_tokens: tuple[str, ...] = ()  # that an answer never holds
    cut_at: tuple[str, ...] = ()  # texts before which an answer is cut
    prompts: Mapping[str, str] = field(default_factory=dict)  # by benchmark, where not its own
    paper_rows: Mapping[int, str] = field(default_factory=dict)  # row by the paper's table
    paper_note: str = ""  # which model the paper's rows are, as far as is known
    download_gb: float | None = None  # about
    note: str = ""

    def content(self) -> dict[str, Any]:
        """The fields as plain values; `parsed` reads them back."""
        return _plain(dataclasses.asdict(self))


def known_baselines() -> dict[str, Baseline]:
    """All files of `baselines/`, by name; a mistake in one is a LynxError that names it."""
    return {name: load_baseline(name) for name in names_in(BASELINES)}


def load_baseline(name: str) -> Baseline:
    """The baseline of a file in `baselines/`, or of another YAML file when `name` ends so."""
    if name.endswith((".yaml", ".yml")):
        path = Path(name)
        if not path.is_file():
            raise LynxError(f"no baseline at {path}: there is no such file")
    else:
        path = named_file(BASELINES, name, kind="baseline")
    return parsed(read_mapping(path), name=path.stem, origin=shown(path))


def parsed(content: Mapping[str, Any], *, name: str, origin: str) -> Baseline:
    """A baseline from the values of a file; origin: the file, named in errors."""
    values = {"name": name, **content}
    fields = {one.name: one for one in dataclasses.fields(Baseline)}
    for key in values:
        if key not in fields:
            raise LynxError(f"{origin}: unknown key `{key}`{nearest_hint(key, fields)}")
    for key, one in fields.items():
        is_needed = one.default is one.default_factory is dataclasses.MISSING
        if is_needed and key not in values:
            raise LynxError(f"{origin}: `{key}` is missing")
    _one_of(values["adapter"], get_args(Family), key="adapter", origin=origin)
    choices = VIDEO_OF[values["adapter"]]
    _one_of(values["video"], choices, key="video", origin=origin, of=values["adapter"])
    for key in ("title", "checkpoint", "paper_note", "note"):
        if not isinstance(values.get(key, ""), str):
            raise LynxError(f"{origin}: `{key}` is a text, not {values[key]!r}")
    for key in ("end_tokens", "banned_tokens", "cut_at"):
        values[key] = _texts(values.get(key, ()), key=key, origin=origin)
    values["template"] = _template(values, origin)
    values["prompts"] = _prompts(values.get("prompts", {}), origin)
    values["paper_rows"] = _paper_rows(values.get("paper_rows", {}), origin)
    number = values.get("num_frames")
    if number is not None and not (isinstance(number, int) and number > 0):
        raise LynxError(f"{origin}: `num_frames` is a number of frames above 0, not {number!r}")
    return Baseline(**values)


def _one_of(value: Any, choices: tuple[str, ...], *, key: str, origin: str, of: str = "") -> None:
    if value not in choices:
        place = f" of the adapter {of}" if of else ""
        raise LynxError(f"{origin}: `{key}`{place} is one of {', '.join(choices)}, not {value!r}")


def _texts(value: Any, *, key: str, origin: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise LynxError(f"{origin}: `{key}` is a list of texts, not {value!r}")
    return tuple(value)


def _template(values: Mapping[str, Any], origin: str) -> Template | None:
    value = values.get("template")
    if isinstance(value, Template):
        return value
    if values["adapter"] == "chat":
        if value is not None:
            raise LynxError(f"{origin}: the adapter chat takes the model's own chat template")
        return None
    known = [one.name for one in dataclasses.fields(Template)]
    if not isinstance(value, Mapping) or not set(value) <= set(known):
        raise LynxError(f"{origin}: `template` has the keys {', '.join(known)}")
    try:
        return Template(**value)
    except (TypeError, ValueError) as error:
        raise LynxError(f"{origin}: `template`: {error}") from error


def _prompts(value: Any, origin: str) -> dict[str, str]:
    texts = isinstance(value, Mapping) and all(isinstance(one, str) for one in value.values())
    if not texts or not all("{question}" in one for one in value.values()):
        raise LynxError(
            f"{origin}: `prompts` gives by benchmark what the user says, with {{question}}"
        )
    return dict(value)


def _paper_rows(value: Any, origin: str) -> dict[int, str]:
    right = isinstance(value, Mapping) and all(
        isinstance(table, int) and isinstance(row, str) for table, row in value.items()
    )
    if not right:
        raise LynxError(f"{origin}: `paper_rows` gives the row's name by the table's number")
    return dict(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
