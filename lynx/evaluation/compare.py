"""Compares two runs question by question: difference, interval, McNemar's test, and the flips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lynx.config.errors import LynxError
from lynx.evaluation.results import Prediction, Result, ResultFiles
from lynx.evaluation.statistics import (
    Difference,
    Interval,
    mcnemar_exact,
    paired_difference,
    paired_mean,
)
from lynx.tracking.run_dir import RunDir

OVERALL = "Overall"
# What two runs may differ in without asking in different ways.
_NOT_OF_THE_ASKING = {"key", "checkpoint", "seed"}


@dataclass(frozen=True)
class Flip:
    """A question that one of two runs answers rightly."""

    base: Prediction
    other: Prediction
    is_gained: bool  # right in the other run, wrong in the base


@dataclass(frozen=True)
class Paired:
    """Two runs (or the same two variants at several seeds) on the questions of a category."""

    n: int  # questions
    base_accuracy: float
    other_accuracy: float
    difference: Difference
    gained: int  # flips, over all seeds
    lost: int
    num_seeds: int = 1
    # Student's 95 % interval of the seeds' differences: the noise of training, which `difference`
    # does not contain. None with one seed; of few seeds that happen to agree it is too narrow.
    seed_interval: Interval | None = None

    @property
    def p(self) -> float | None:
        """McNemar's exact p; None with several seeds, whose flips are not independent."""
        return mcnemar_exact(self.gained, self.lost) if self.num_seeds == 1 else None


@dataclass(frozen=True)
class Comparison:
    """Two runs on one benchmark; `categories` starts with all questions, as "Overall"."""

    benchmark: str
    judge: str
    categories: dict[str, Paired]
    flips: tuple[Flip, ...]
    protocol_differences: tuple[str, ...]  # e.g. "plug_and_play", where an ablation changes it


def compare(base: RunDir, other: RunDir, benchmark: str) -> Comparison:
    """Compare two evaluated runs; see `compare_seeds`."""
    return compare_seeds([(base, other)], benchmark)


def compare_seeds(pairs: Sequence[tuple[RunDir, RunDir]], benchmark: str) -> Comparison:
    """Compare two variants at one or more seeds, (base, other) by seed, pooled by question.

    Raises LynxError where the runs did not answer the same questions about the same pictures, or
    were judged by different judges.
    """
    files = [tuple(ResultFiles(run.eval_dir(benchmark)) for run in pair) for pair in pairs]
    results = [(base.results(), other.results()) for base, other in files]
    everyone = [file for pair in files for file in pair]
    judge = _only_judge(everyone, benchmark)
    _refuse_other_numbers(everyone, [len(r) for pair in results for r in pair])
    first = [_identity(result) for result in results[0][0]]
    for file, answers in zip(everyone, [r for pair in results for r in pair], strict=True):
        if [_identity(result) for result in answers] != first:
            raise LynxError(
                f"{file.directory} does not hold the questions of {everyone[0].directory} "
                "(id, question, answer and picture must agree): evaluate both runs again"
            )
    categories = dict.fromkeys(result.prediction.category for result in results[0][0])
    places = range(len(first))
    parts = {OVERALL: list(places)} | {
        name: [i for i in places if results[0][0][i].prediction.category == name]
        for name in categories
    }
    return Comparison(
        benchmark=benchmark,
        judge=judge,
        categories={name: _paired(results, part) for name, part in parts.items()},
        flips=tuple(flip for base, other in results for flip in _flips(base, other)),
        protocol_differences=_protocol_differences(everyone),
    )


def _paired(results: Sequence[tuple[list[Result], list[Result]]], places: list[int]) -> Paired:
    seeds = len(results)
    base = [sum(b[i].correct is True for b, _ in results) / seeds for i in places]
    other = [sum(o[i].correct is True for _, o in results) / seeds for i in places]
    flips = [
        flip for b, o in results for flip in _flips([b[i] for i in places], [o[i] for i in places])
    ]
    gained = sum(flip.is_gained for flip in flips)
    by_seed = [
        sum((o[i].correct is True) - (b[i].correct is True) for i in places) / len(places)
        for b, o in results
    ]
    return Paired(
        n=len(places),
        base_accuracy=sum(base) / len(places),
        other_accuracy=sum(other) / len(places),
        difference=paired_difference(
            [o - b for b, o in zip(base, other, strict=True)],
            [results[0][0][i].prediction.picture for i in places],
        ),
        gained=gained,
        lost=len(flips) - gained,
        num_seeds=seeds,
        seed_interval=paired_mean(by_seed).interval if seeds > 1 else None,
    )


def _flips(base: Sequence[Result], other: Sequence[Result]) -> list[Flip]:
    return [
        Flip(b.prediction, o.prediction, is_gained=o.correct is True)
        for b, o in zip(base, other, strict=True)
        if (b.correct is True) != (o.correct is True)
    ]


def _identity(result: Result) -> tuple[str, str, str, str, str]:
    p = result.prediction
    return p.id, p.category, p.question, p.answer, p.picture


def _refuse_other_numbers(files: Sequence[ResultFiles], numbers: Sequence[int]) -> None:
    for file, number in zip(files, numbers, strict=True):
        if number != numbers[0]:
            raise LynxError(
                f"{file.directory} holds {number} questions, {files[0].directory} {numbers[0]}: "
                "evaluate both runs again with one evaluation.benchmarks.*.num_questions_per_class"
            )


def _only_judge(files: Sequence[ResultFiles], benchmark: str) -> str:
    judges = sorted({str((file.scores() or {})["judge"]) for file in files})
    if len(judges) > 1:
        raise LynxError(
            f"{benchmark} was judged by {' and by '.join(judges)}, which can't be compared: "
            "evaluate with one evaluation.judge.name"
        )
    return judges[0]


def _protocol_differences(files: Sequence[ResultFiles]) -> tuple[str, ...]:
    protocols: list[Mapping[str, Any]] = [file.protocol() or {} for file in files]
    keys = dict.fromkeys(key for protocol in protocols for key in protocol)
    return tuple(
        key
        for key in keys
        if key not in _NOT_OF_THE_ASKING
        and any(p.get(key) != protocols[0].get(key) for p in protocols)
    )
