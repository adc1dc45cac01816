"""Judges the predictions of an evaluated run again, without its model; tables are left alone."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lynx.config.errors import LynxError
from lynx.evaluation.judges.base import Claim, Judge, Verdict
from lynx.evaluation.judges.openai_compatible import OpenAICompatibleJudge
from lynx.evaluation.results import Prediction, ResultFiles
from lynx.evaluation.statistics import Interval, wilson
from lynx.tracking.files import write_text_atomic

_FOLDER = "judged"  # below eval/<benchmark>/


@dataclass(frozen=True)
class JudgedShare:
    """Of a category, or of all; shares are of 1."""

    n: int
    correct: int
    unparseable: int
    interval: Interval  # Wilson's, unparseable verdicts counted as wrong

    @property
    def accuracy(self) -> float:
        """Unparseable verdicts counted as wrong; also the lower bound."""
        return self.correct / self.n

    @property
    def upper_bound(self) -> float:
        """Unparseable verdicts counted as right."""
        return (self.correct + self.unparseable) / self.n


def evaluated_benchmarks(run: Path) -> list[str]:
    """Benchmarks of a run's folder with complete predictions, asked with their own pictures.

    Those of a format whose official scores come from another rule than a judge's are left out.
    """
    names = []
    for path in sorted((run / "eval").glob("*/predictions.jsonl")):
        scores = ResultFiles(path.parent).scores() or {}
        is_judged = scores.get("format", "open_vqa") == "open_vqa"
        names += [path.parent.name] if is_judged and "@" not in path.parent.name else []
    return names


def claims_of(files: ResultFiles) -> tuple[list[Prediction], list[Claim]]:
    """Predictions and what is to be judged; LynxError where there is nothing to judge against."""
    if not files.predictions_path.is_file():
        raise LynxError(
            f"{files.predictions_path} isn't there: run 'lynx evaluate' on that run first"
        )
    predictions = files.predictions()
    lacking = next((p.id for p in predictions if not p.answer.strip()), None)
    if lacking is not None or not predictions:
        raise LynxError(
            f"{files.predictions_path}: "
            + (f"'{lacking}' has no ground truth" if lacking else "holds no predictions")
            + ", so no judge can decide whether it is right"
        )
    return predictions, [Claim(p.question, p.prediction, p.answer) for p in predictions]


def judge_files(
    files: ResultFiles, judge: Judge, *, progress: Callable[[], None] | None = None
) -> list[Verdict]:
    """One verdict per prediction of the folder, in order, also kept in `judged_path`.

    progress: called for each reply of a served judge, from several threads.
    """
    predictions, claims = claims_of(files)
    if isinstance(judge, OpenAICompatibleJudge):
        verdicts = judge.judge(claims, progress=progress)
    else:
        verdicts = judge.judge(claims)
    rows = [_row(p, v) for p, v in zip(predictions, verdicts, strict=True)]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    write_text_atomic(judged_path(files, judge.name), text)
    return verdicts


def judged_path(files: ResultFiles, judge: str) -> Path:
    """Verdicts of a judge beside those that the tables are made of; rows as in verdicts.jsonl."""
    name = re.sub(r"[^\w.-]+", "-", judge)
    return files.directory / _FOLDER / f"{name}.jsonl"


def predictions_beside(verdicts: Path) -> list[Prediction] | None:
    """The predictions that a file of verdicts in a run's folder is about, or None elsewhere."""
    folder = verdicts.parent.parent if verdicts.parent.name == _FOLDER else verdicts.parent
    files = ResultFiles(folder)
    return files.predictions() if files.predictions_path.is_file() else None


def shares(
    predictions: Sequence[Prediction], verdicts: Sequence[Verdict]
) -> dict[str, JudgedShare]:
    """By category in order of appearance, then "overall"."""
    names = dict.fromkeys(prediction.category for prediction in predictions)
    pairs = list(zip(predictions, verdicts, strict=True))
    found = {name: _share([v for p, v in pairs if p.category == name]) for name in names}
    return {**found, "overall": _share(list(verdicts))}


def claim_name(prediction: Prediction) -> str:
    """Short name of what was judged, which tells whether a verdict is on this very answer."""
    parts = [prediction.question, prediction.prediction, prediction.answer]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _row(prediction: Prediction, verdict: Verdict) -> dict[str, Any]:
    row = {"id": prediction.id, "correct": verdict.correct, "reply": verdict.reply}
    further = {"repeats": list(verdict.repeats)} if verdict.repeats else {}
    return {**row, **further, "claim": claim_name(prediction)}


def _share(verdicts: Sequence[Verdict]) -> JudgedShare:
    correct = sum(verdict.correct is True for verdict in verdicts)
    unparseable = sum(verdict.correct is None for verdict in verdicts)
    return JudgedShare(len(verdicts), correct, unparseable, wilson(correct, len(verdicts)))
