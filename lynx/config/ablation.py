"""Reads the files in `ablations/`: a question, the paper's row, and a diff of a few keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lynx.config.errors import LynxError
from lynx.config.files import (
    check_no_empty_mapping,
    flattened,
    named_file,
    names_in,
    read_mapping,
    require_keys,
)
from lynx.config.nearest import nearest_hint

FOLDER = "ablations"
EXPERIMENTS = "experiments"
FIELDS = ("base", "paper", "question", "diff")
PAPER_FIELDS = {"table": int, "row": str}
_TYPE_WORDS = {int: "a number", str: "a text"}


@dataclass(frozen=True)
class Ablation:
    """A short diff over an experiment, with the question it asks and the paper row it answers."""

    name: str
    base: str  # experiment
    question: str
    paper_rows: tuple[Mapping[str, Any], ...]  # each {"table": 5, "row": "w/ LLaMA"}
    diff: Mapping[str, Any]  # dotted key -> value, interpolations unresolved

    @property
    def paper(self) -> Mapping[str, Any]:
        """The first of the paper's rows that it answers; empty where the paper has none."""
        return self.paper_rows[0] if self.paper_rows else {}

    @property
    def origin(self) -> str:
        """The file, as messages name it."""
        return _origin(self.name)


def ablation_names() -> list[str]:
    """Names of the ablations; no file is read, so a malformed one is in nobody's way."""
    return names_in(FOLDER)


def list_ablations() -> list[Ablation]:
    """Every ablation there is, by name; a malformed one, or two of one row, are a LynxError."""
    ablations = [load_ablation(name) for name in ablation_names()]
    _check_rows(ablations)
    return ablations


def load_ablation(name: str) -> Ablation:
    """The ablation `name`; an unknown name, a missing or an unknown field is a LynxError."""
    path = named_file(FOLDER, name, kind="ablation")
    origin = _origin(name)
    _check_name(name)
    content = read_mapping(path)
    for key in content:
        if key not in FIELDS:
            raise LynxError(f"{origin}: unknown key `{key}`{nearest_hint(key, FIELDS)}")
    for key in FIELDS:
        if not content.get(key) and not (key == "paper" and content.get(key) == []):
            raise LynxError(f"{origin}: `{key}` is missing or empty; see {_example(name)}")
    for key in ("base", "question"):
        _check_type(content[key], str, f"{origin}: `{key}`")
    return Ablation(
        name=name,
        base=content["base"],
        question=content["question"],
        paper_rows=_paper_rows(content["paper"], origin),
        diff=_diff(content["diff"], origin),
    )


def check_variant_name(name: str, *, origin: str) -> None:
    """`+` sets off what the command line changes, so no experiment or ablation has it."""
    if "+" in name:
        raise LynxError(f"{origin}: `+` can't stand in the name of a variant; rename the file")


def _check_name(name: str) -> None:
    check_variant_name(name, origin=_origin(name))
    if name in names_in(EXPERIMENTS):
        raise LynxError(
            f"{_origin(name)}: {EXPERIMENTS}/{name}.yaml has the same name, and their runs would "
            "share a folder; rename one of them"
        )


def _paper_rows(content: Any, origin: str) -> tuple[Mapping[str, Any], ...]:
    """One row, or a list of rows of different tables; an empty list where the paper has none."""
    if not isinstance(content, list):
        return (_paper_row(content, origin),)
    rows = tuple(_paper_row(row, origin) for row in content)
    tables = [row["table"] for row in rows]
    if len(set(tables)) < len(tables):
        raise LynxError(f"{origin}: `paper` names two rows of one table; it answers one at most")
    return rows


def _paper_row(content: Any, origin: str) -> Mapping[str, Any]:
    place = f"{origin}: `paper`"
    row = require_keys(content, tuple(PAPER_FIELDS), place)
    for key, kind in PAPER_FIELDS.items():
        _check_type(row[key], kind, f"{origin}: `paper.{key}`")
    return row


def _diff(content: Any, origin: str) -> Mapping[str, Any]:
    if not isinstance(content, dict):
        raise LynxError(f"{origin}: `diff` must be a mapping of keys to values, not {content!r}")
    leaves = flattened(content, origin=origin)
    check_no_empty_mapping(leaves, origin=origin)
    return leaves


def _check_type(value: Any, kind: type, place: str) -> None:
    if type(value) is not kind:  # a bool is an int to isinstance
        raise LynxError(f"{place} must be {_TYPE_WORDS[kind]}, not {value!r}")


def _check_rows(ablations: Sequence[Ablation]) -> None:
    """A table has one place for each of the paper's rows."""
    rows: dict[tuple[int, str], Ablation] = {}
    for ablation in ablations:
        for place in ablation.paper_rows:
            row = (place["table"], place["row"])
            if row in rows:
                raise LynxError(
                    f"{ablation.origin}: `paper` names row `{row[1]}` of table {row[0]}, as "
                    f"{rows[row].origin} does; a row is answered by one ablation"
                )
            rows[row] = ablation


def _origin(name: str) -> str:
    return f"{FOLDER}/{name}.yaml"


def _example(name: str) -> str:
    """A whole ablation to look at, other than the broken one."""
    others = [other for other in ablation_names() if other != name]
    return _origin(others[0]) if others else "docs/adding_an_ablation.md"
