"""Reads the files in `ablations/`: a question, the paper's row, and a diff of a few keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lynx.config.errors import LynxError
from lynx.config.files import flattened, named_file, names_in, read_mapping
from lynx.config.nearest import nearest_hint

FOLDER = "ablations"
FIELDS = ("base", "paper", "question", "diff")


@dataclass(frozen=True)
class Ablation:
    """A short diff over an experiment, with the question it asks and the paper row it answers."""

    name: str
    base: str  # experiment
    question: str
    paper: Mapping[str, Any]  # {"table": 5, "row": "w/ LLaMA"}
    diff: Mapping[str, Any]  # dotted key -> value, interpolations unresolved

    @property
    def evaluation_only(self) -> bool:
        """Whether it needs no training: every key of the diff is about evaluation."""
        return all(key.startswith("evaluation.") for key in self.diff)

    @property
    def origin(self) -> str:
        """The file, as messages name it."""
        return f"{FOLDER}/{self.name}.yaml"


def list_ablations() -> list[Ablation]:
    """Every ablation there is, by name."""
    return [load_ablation(name) for name in names_in(FOLDER)]


def load_ablation(name: str) -> Ablation:
    """The ablation `name`; an unknown name, a missing or an unknown field is a LynxError."""
    path = named_file(FOLDER, name, kind="ablation")
    content = read_mapping(path)
    origin = f"{FOLDER}/{name}.yaml"
    for key in content:
        if key not in FIELDS:
            raise LynxError(f"{origin}: unknown key `{key}`{nearest_hint(key, FIELDS)}")
    for key in FIELDS:
        if not content.get(key):
            raise LynxError(f"{origin}: `{key}` is missing or empty; see {_example(name)}")
    for key in ("paper", "diff"):
        if not isinstance(content[key], dict):
            raise LynxError(f"{origin}: `{key}` must be a mapping, not {content[key]!r}")
    return Ablation(
        name=name,
        base=str(content["base"]),
        question=str(content["question"]),
        paper=content["paper"],
        diff=flattened(content["diff"]),
    )


def _example(name: str) -> str:
    """A whole ablation to look at, other than the broken one."""
    others = [other for other in names_in(FOLDER) if other != name]
    return f"{FOLDER}/{others[0]}.yaml" if others else "docs/adding_an_ablation.md"
