"""Judges and counts saved answers again, offline, and says where scores.json tells otherwise."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lynx.config.errors import LynxError
from lynx.config.files import flattened, read_mapping
from lynx.config.schema import JudgeConfig
from lynx.evaluation.benchmarks import mme
from lynx.evaluation.judges.base import Judge, Verdict
from lynx.evaluation.judges.build import build_judge
from lynx.evaluation.judges.reply_store import judgements_dir
from lynx.evaluation.judges.rule import RuleJudge
from lynx.evaluation.lengths import lengths_of
from lynx.evaluation.questions import Question
from lynx.evaluation.results import Prediction, Result, ResultFiles
from lynx.evaluation.scores import Scores, count
from lynx.evaluation.scoring import MME_RULE, NO_JUDGE, decided
from lynx.reporting.configs import config_of
from lynx.reporting.evidence import relative, runs_folder
from lynx.reporting.stale import BASELINE
from lynx.tracking.run_dir import RunDir

_NEAR = 1e-9  # relative; another machine may round the last digit otherwise


@dataclass(frozen=True)
class Mismatch:
    """A place of a file that its own answers contradict; `old` stands there, `new` follows.

    file: relative to the folder of runs.
    """

    file: str
    place: str
    old: str
    new: str


def mismatches(run: RunDir, benchmark: str) -> list[Mismatch]:
    """What the run's verdicts and scores say otherwise than its answers do, judged again offline.

    Verdicts come from the judge that scores.json names: a rule's code, or a served model's replies
    on disk. Shares without the pictures are those of their own folders, which are gone through as
    well where they are there.
    """
    files = ResultFiles(run.eval_dir(benchmark))
    stored = _scores(files)
    visions = list(stored.overall.without_vision) if stored.overall else []
    found: list[Mismatch] = []
    without: dict[str, Scores] = {}
    for vision in visions:
        other = ResultFiles(run.eval_dir(benchmark, vision))
        if other.scores_path.is_file():
            found += _of_folder(run, other, without={})
            without[vision] = _scores(other)
    return found + _of_folder(run, files, without=without)


def _of_folder(run: RunDir, files: ResultFiles, *, without: Mapping[str, Scores]) -> list[Mismatch]:
    folder = runs_folder(run)
    stored = _scores(files)
    predictions = files.predictions()
    place = relative(files.scores_path, folder)
    try:
        judge = _judge(run, stored)
        name, verdicts = decided(stored.format, predictions, judge)
    except LynxError as error:
        return [Mismatch(place, "judge", stored.judge, f"can't judge again: {error}")]
    if name != stored.judge:
        return [Mismatch(place, "judge", stored.judge, name)]
    found = []
    if verdicts is not None:
        found += _verdict_mismatches(files, folder, predictions, verdicts)
    again = _counted(stored, predictions, verdicts, without)
    # Through JSON, as tuples come back from a file as lists.
    old, new = (
        flattened(json.loads(json.dumps(scores.as_json())), origin=place)
        for scores in (stored, again)
    )
    return found + [
        Mismatch(place, key, str(old.get(key, "-")), str(new.get(key, "-")))
        for key in dict.fromkeys([*old, *new])
        if not is_near(old.get(key), new.get(key))
    ]


def _verdict_mismatches(
    files: ResultFiles,
    folder: Path,
    predictions: Sequence[Prediction],
    verdicts: Sequence[Verdict],
) -> list[Mismatch]:
    stored = {result.prediction.id: result.correct for result in files.results()}
    return [
        Mismatch(
            relative(files.verdicts_path, folder), f"question {one.id}", str(stored[one.id]),
            str(verdict.correct),
        )
        for one, verdict in zip(predictions, verdicts, strict=True)
        if stored[one.id] != verdict.correct
    ]  # fmt: skip


def _counted(
    stored: Scores,
    predictions: Sequence[Prediction],
    verdicts: Sequence[Verdict] | None,
    without: Mapping[str, Scores],
) -> Scores:
    """The scores as the answers give them; what is not counted stays as it is stored."""
    again = replace(
        stored,
        lengths=lengths_of(predictions),
        details=mme.details(predictions) if stored.format == "mme" else stored.details,
    )
    if verdicts is None:
        return again
    results = [Result(p, v.correct) for p, v in zip(predictions, verdicts, strict=True)]
    overall, categories = count(results, _questions(predictions), without=without)
    if stored.overall is None:
        return replace(again, overall=overall, categories=categories)
    # A folder without its versions without pictures: their shares are taken as they stand.
    kept = {
        vision: share
        for vision, share in stored.overall.without_vision.items()
        if vision not in without
    }
    overall = replace(overall, without_vision={**overall.without_vision, **kept})
    for name, score in categories.items():
        old = stored.categories[name].without_vision if name in stored.categories else {}
        shares = {v: old[v] for v in kept if v in old}
        categories[name] = replace(score, without_vision={**score.without_vision, **shares})
    return replace(again, overall=overall, categories=categories)


def _questions(predictions: Sequence[Prediction]) -> list[Question]:
    """The questions as far as counting needs them: without their pictures."""
    return [
        Question(place, one.id, one.category, one.question, one.answer, "image", ())
        for place, one in enumerate(predictions)
    ]


def _judge(run: RunDir, scores: Scores) -> Judge:
    """The judge by its name, with the run's settings; no server is asked."""
    if scores.judge in (RuleJudge.name, MME_RULE, NO_JUDGE):
        return RuleJudge()
    settings = replace(_judge_settings(run), name=scores.judge, repeats=1)
    return build_judge(settings, cache_dir=judgements_dir(run.path), offline=True)


def _judge_settings(run: RunDir) -> JudgeConfig:
    """Of the run, or of the model that isn't ours; a stored reply is found by them."""
    if run.config_path.is_file():
        return config_of(run).evaluation.judge
    record = run.path / BASELINE
    if record.is_file():
        return JudgeConfig(**read_mapping(record)["evaluation"]["judge"])
    return JudgeConfig()


def _scores(files: ResultFiles) -> Scores:
    content = files.scores()
    if content is None:
        raise LynxError(f"{files.scores_path} isn't there: run 'lynx evaluate' on that run first")
    return Scores.from_json(content)


def is_near(old: Any, new: Any) -> bool:
    """Whether two values are equal but for the last digit of a number."""
    numbers = (int, float)
    if isinstance(old, numbers) and isinstance(new, numbers):
        return math.isclose(old, new, rel_tol=_NEAR, abs_tol=_NEAR)
    return bool(old == new)
