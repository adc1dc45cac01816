"""Gathers who fights: runs with their predictions, other models' files, the reference answers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lynx.config.errors import LynxError
from lynx.evaluation.benchmarks.registry import format_of
from lynx.evaluation.benchmarks.visit_bench import read_submission
from lynx.evaluation.head_to_head.battles import Instruction
from lynx.evaluation.head_to_head.ratings import Origin
from lynx.evaluation.head_to_head.schedule import REFERENCE
from lynx.evaluation.questions import Question
from lynx.evaluation.results import Prediction, ResultFiles
from lynx.tracking.run_dir import RunDir


@dataclass(frozen=True)
class Contestant:
    """One model's answers, and where they come from."""

    name: str
    answers: dict[str, str]  # by question id
    origin: Origin
    source: dict[str, Any]  # for ratings.json
    protocol: Mapping[str, Any] = field(default_factory=dict)


def instructions_of(questions: Sequence[Question]) -> dict[str, Instruction]:
    """The questions by id, as a judge needs them."""
    return {
        q.id: Instruction(
            id=q.id,
            category=q.category,
            text=q.question,
            image_name=q.image_name or q.picture,
            caption=q.caption,
            reference=q.answer,
        )
        for q in questions
    }


def from_run(run: RunDir, benchmark: str, questions: Mapping[str, Question]) -> Contestant:
    """A finished run; raises LynxError where it has answered other questions than these."""
    files = ResultFiles(run.eval_dir(benchmark))
    if not files.predictions_path.exists():
        raise LynxError(
            f"no answers in {files.directory}: run 'lynx evaluate' on that run first, with a "
            f"benchmark '{benchmark}'"
        )
    predictions = files.predictions()
    for one in predictions:
        _refuse_another_question(one, questions.get(one.id), files.predictions_path)
    protocol = files.protocol() or {}
    return Contestant(
        name=f"{run.path.parent.name}/{run.path.name}",
        answers={one.id: one.prediction for one in predictions},
        origin=Origin(run.path.parent.name, _seed(run.path.name)),
        source={
            "folder": str(files.directory),
            "protocol": protocol.get("key"),
            "sha256": _sha256(files.predictions_path),
            "num_answers": len(predictions),
        },
        protocol=protocol,
    )


def from_file(
    name: str, path: Path, questions: Sequence[Question], *, form: str = "visit_bench"
) -> Contestant:
    """Another model's answers, in the published form of the benchmark."""
    if name == REFERENCE:
        raise LynxError(f"--answers: the name {REFERENCE} is the reference answers' own")
    report = None
    if form == "visit_bench":
        submission = read_submission(path, questions)
        answers = submission.answers
        is_told = submission.unmatched or submission.unanswered or submission.repeated
        report = submission.report if is_told else None
    else:
        answers = format_of(form).read_answers(path, questions)
    if not answers:
        raise LynxError(f"{path}: no row answers a question of this benchmark. {report or ''}")
    return Contestant(
        name=name,
        answers=answers,
        origin=Origin(name),
        source={
            "file": str(path),
            "sha256": _sha256(path),
            "num_answers": len(answers),
            "unmatched": report,
        },
    )


def reference(questions: Sequence[Question]) -> Contestant | None:
    """The reference answers, None where the benchmark has none."""
    answers = {q.id: q.answer for q in questions if q.answer}
    if not answers:
        return None
    source = {"questions": "reference answers", "num_answers": len(answers)}
    return Contestant(REFERENCE, answers, Origin(REFERENCE), source)


def _refuse_another_question(one: Prediction, question: Question | None, path: Path) -> None:
    if question is None:
        raise LynxError(
            f"{path}: the question '{one.id}' is none of this benchmark's: evaluate all runs with "
            "one benchmark and one evaluation.benchmarks.*.num_questions_per_class"
        )
    told = (one.category, one.question, one.answer, one.picture)
    if told != (question.category, question.question, question.answer, question.picture):
        raise LynxError(
            f"{path}: the question '{one.id}' is another one, or about another picture, than the "
            "benchmark's: evaluate that run again"
        )


def _seed(folder: str) -> int | None:
    digits = folder.removeprefix("seed")
    return int(digits) if folder.startswith("seed") and digits.isdigit() else None


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
