"""Brings two judges' verdicts together on the same answers; refuses verdicts on different ones."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lynx.config.errors import LynxError
from lynx.evaluation.judges.agreement import Pair
from lynx.evaluation.judges.answer_types import answer_type
from lynx.evaluation.judges.labels import read_labels
from lynx.evaluation.judges.rejudging import claim_name, predictions_beside
from lynx.evaluation.results import Prediction, ResultFiles


@dataclass(frozen=True)
class Side:
    """One of the two: who, and the verdicts by id."""

    name: str
    verdicts: Mapping[str, bool | None]


def side_of_file(path: Path) -> Side:
    """A file of verdicts; see `labels.read_labels`."""
    return Side(str(path), read_labels(path))


def of_files(
    a: Path, b: Path, predictions: Path | None
) -> tuple[Side, Side, list[Prediction] | None]:
    """Two files of verdicts with the predictions they are about, None where those aren't known.

    predictions: a predictions.jsonl; else it is looked for in the run's folder around each file.
    Raises LynxError where the files are about different answers.
    """
    sides = side_of_file(a), side_of_file(b)
    if predictions is not None:
        given = ResultFiles(predictions.parent)
        if predictions != given.predictions_path or not predictions.is_file():
            raise LynxError(f"--predictions {predictions}: there is no such predictions.jsonl")
        found = [given.predictions()] * 2
    else:
        both = (predictions_beside(a), predictions_beside(b))
        found = [rows for rows in both if rows is not None]
    _check_same(a, b, found)
    for path in (a, b):
        _check_current(path, found[0] if found else None)
    return (*sides, found[0] if found else None)


def compared(
    a: Side, b: Side, predictions: Sequence[Prediction] | None
) -> tuple[list[Pair], tuple[int, int, int]]:
    """Pairs of verdicts in A's order, and how many answers both judged, only A, only B."""
    known = {p.id: p for p in predictions or ()}
    shared = [name for name in a.verdicts if name in b.verdicts]
    if not shared:
        raise LynxError(
            f"{a.name} and {b.name} have judged no answer in common: their ids are like "
            f"'{next(iter(a.verdicts))}' and '{next(iter(b.verdicts))}'"
        )
    strange = next((name for name in shared if known and name not in known), None)
    if strange is not None:
        raise LynxError(f"{a.name}: '{strange}' is not among the predictions")
    pairs = [
        Pair(
            id=name,
            category=known[name].category if known else "",
            answer_type=answer_type(known[name].answer) if known else "",
            a=a.verdicts[name],
            b=b.verdicts[name],
        )
        for name in shared
    ]
    only_a, only_b = len(a.verdicts) - len(shared), len(b.verdicts) - len(shared)
    return pairs, (len(shared), only_a, only_b)


def _check_same(a: Path, b: Path, found: Sequence[Sequence[Prediction]]) -> None:
    """Equal ids of two runs are equal questions, but not equal answers."""
    if len(found) < 2:
        return
    said = [{p.id: claim_name(p) for p in rows} for rows in found]
    different = [name for name in said[0] if name in said[1] and said[0][name] != said[1][name]]
    if different:
        raise LynxError(
            f"{a} and {b} are verdicts on different answers ({len(different)} of {len(said[0])}, "
            f"'{different[0]}' first); judges are compared on the same run's answers"
        )


def _check_current(path: Path, predictions: Sequence[Prediction] | None) -> None:
    """Verdicts of `lynx judge run` name the answer that they are on."""
    if predictions is None or path.suffix.lower() == ".csv":
        return
    said = {p.id: claim_name(p) for p in predictions}
    for number, line in enumerate(path.read_text("utf-8-sig").split("\n"), 1):
        row = json.loads(line) if line.strip() else {}
        name = str(row.get("id"))
        if "claim" in row and name in said and row["claim"] != said[name]:
            raise LynxError(
                f"{path}, line {number}: the verdict on '{name}' is on another answer than the "
                "prediction that is there now; judge the run again with 'lynx judge run'"
            )
