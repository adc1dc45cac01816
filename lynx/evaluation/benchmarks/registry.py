"""Finds who reads and writes a benchmark's published form: one module per form, of its name."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from lynx.evaluation.questions import Kind, Question
from lynx.evaluation.results import Prediction


class Format(Protocol):
    """What a module of this package offers."""

    def load(self, path: Path, *, kind: Kind, num_frames: int) -> list[Question]:
        """All published questions with their pictures."""
        ...

    def read_answers(self, path: Path, questions: Sequence[Question]) -> dict[str, str]:
        """Answers by question id, from official results files."""
        ...

    def write_answers(self, path: Path, predictions: Sequence[Prediction]) -> None:
        """Write predictions as official results files."""
        ...


def format_of(name: str) -> Format:
    """The module of a form: `evaluation.benchmarks.*.format` in the schema lists the names."""
    return cast(Format, import_module(f"lynx.evaluation.benchmarks.{name}"))
