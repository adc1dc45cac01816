"""Chooses the cases that the report has room for, and finds their pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from lynx.config.compose import compose, load_config
from lynx.config.errors import LynxError
from lynx.evaluation.questions import Question
from lynx.reporting.html.cases import Case, CaseList
from lynx.reporting.html.pictures import picture_uri
from lynx.tracking.run_dir import RunDir

MAX_CASES = 150  # of a benchmark
_MAX_BYTES = 3_000_000  # of all pictures


@dataclass(frozen=True)
class ShownCase:
    """A case with its picture's URI; "" where it has none, or none is left."""

    case: Case
    picture: str


@dataclass(frozen=True)
class ShownCases:
    """What the report shows of a benchmark's cases."""

    benchmark: str
    num_all: int
    cases: list[ShownCase]
    notes: list[str]


def shown_cases(
    lists: Sequence[CaseList],
    run: RunDir,
    *,
    num_pictures: int,
    progress: Callable[[str], None],
) -> list[ShownCases]:
    """Up to MAX_CASES of each benchmark; the first of each have pictures, `num_pictures` in all.

    run: whose configuration says where the benchmarks' questions lie. progress: told of each
    benchmark whose pictures are looked for.
    """
    allotted = _allotted([len(one.cases) for one in lists], num_pictures)
    uris: dict[str, str] = {}
    shown = []
    for own, number in zip(lists, allotted, strict=True):
        cases = own.cases[:MAX_CASES]
        notes = [own.reason] if own.reason else []
        pictures: dict[str, str] = {}
        if number and cases:
            progress(f"{own.benchmark}: pictures")
            try:
                pictures, missing = _pictures(run, own.benchmark, cases[:number], uris)
            except LynxError as error:
                notes.append(f"without pictures: {error}")
            else:
                notes += missing
        if len(cases) < len(own.cases):
            notes.append(
                f"{len(cases)} of {len(own.cases)} questions are listed; predictions.jsonl and "
                "verdicts.jsonl of the runs hold them all"
            )
        shown.append(
            ShownCases(
                own.benchmark,
                len(own.cases),
                [ShownCase(case, pictures.get(case.id, "")) for case in cases],
                notes,
            )
        )
    return shown


def _allotted(numbers: Sequence[int], total: int) -> list[int]:
    """Pictures of each benchmark: an equal share, and what others leave."""
    allotted = [0] * len(numbers)
    left = total
    while left > 0:
        hungry = [i for i, number in enumerate(numbers) if allotted[i] < number]
        if not hungry:
            break
        for i in hungry[:left]:
            allotted[i] += 1
        left -= min(left, len(hungry))
    return allotted


def _pictures(
    run: RunDir, benchmark: str, cases: Sequence[Case], uris: dict[str, str]
) -> tuple[dict[str, str], list[str]]:
    """URIs by question, and what was left out; `uris`: all of the report so far, by content."""
    questions = _questions(run, benchmark)
    found: dict[str, str] = {}
    other, full = 0, 0
    for case in cases:
        question = questions.get(case.id)
        if question is None or question.picture != case.picture:
            other += 1
            continue
        if case.picture not in uris:
            if sum(map(len, uris.values())) > _MAX_BYTES:
                full += 1
                continue
            uris[case.picture] = picture_uri(question.images)
        found[case.id] = uris[case.picture]
    notes = [f"{other} pictures are no longer those that were asked about"] if other else []
    notes += [f"{full} pictures left out, to keep the file small"] if full else []
    return found, notes


@cache
def _questions(run: RunDir, benchmark: str) -> Mapping[str, Question]:
    from lynx.evaluation.build import build_benchmark  # here, as it imports torch

    config = load_config(run.config_path)
    if benchmark not in config.evaluation.benchmarks:  # it was named when the run was evaluated
        config = compose(experiment=config.experiment, scale=config.scale)
    if benchmark not in config.evaluation.benchmarks:
        raise LynxError(f"{run.config_path} does not say where the questions of {benchmark} lie")
    built = build_benchmark(config, benchmark, checkpoint="")
    return {question.id: question for question in built.questions}
