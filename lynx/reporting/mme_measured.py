"""Reads what runs measured on MME: scores of tasks and sums, pooled, and paired differences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from lynx.config.errors import LynxError
from lynx.evaluation.benchmarks.mme_tasks import GROUPS
from lynx.evaluation.comparing.joining import joined
from lynx.evaluation.comparing.mme import compare_scores
from lynx.evaluation.results import ResultFiles, unreadable
from lynx.evaluation.statistics import Difference, Interval, paired_mean
from lynx.reporting.measured import Row, Runs, common_seeds, scores_of
from lynx.tracking.run_dir import RunDir

MME = "mme"
SUMS = tuple(GROUPS)  # "perception", "cognition"
_MAX = 200.0  # of a task


@dataclass(frozen=True)
class MmeScore:
    """Of a task or a sum, in points: the mean over seeds.

    low, high: the seeds' mean bounds, at least as wide as an interval over pictures. band: what
    19 of 20 random guessers get. other_rate: share of answers that say neither yes nor no.
    """

    score: float
    low: float
    high: float
    band: tuple[float, float]
    other_rate: float
    num_images: int
    max: float


@dataclass(frozen=True)
class MmeDifference:
    """Other minus base in points, pictures drawn again; over seeds: Student's, None with one."""

    difference: Difference
    num_seeds: int
    seed_interval: Interval | None


def mme_scores(runs: Runs) -> dict[str, MmeScore]:
    """By task, and "perception" and "cognition" where all seeds have them; {} without runs."""
    reports = [_details(run) for run in runs.values() if scores_of(run, MME) is not None]
    if not reports:
        return {}
    if len({tuple(report["tasks"]) for report in reports}) > 1:
        folders = ", ".join(str(run.path) for run in runs.values())
        raise LynxError(f"mme: seeds that were asked different tasks can't be pooled ({folders})")
    found = {task: _task([r["tasks"][task] for r in reports]) for task in reports[0]["tasks"]}
    for name in SUMS:
        if reports[0][name] is not None:
            found[name] = _sum([report[name] for report in reports], reports, name)
    return found


def missing_tasks(runs: Runs) -> tuple[str, ...]:
    """Tasks that were not asked."""
    return tuple(next((_details(run)["missing"] for run in runs.values()), ()))


def mme_differences(base: Row, row: Row) -> dict[str, MmeDifference]:
    """By task and sum, over the common seeds; {} without any.

    A sum is there where all of its tasks were asked. Raises LynxError where the two were not asked
    the same questions.
    """
    seeds = common_seeds(base, row, MME)
    if not seeds:
        return {}
    answers = joined(
        [ResultFiles(one.runs[seed].eval_dir(MME)) for seed in seeds for one in (base, row)]
    )
    results = [(answers[i], answers[i + 1]) for i in range(0, len(answers), 2)]
    by_seed = [mme_scores({seed: one.runs[seed]}) for seed in seeds for one in (base, row)]
    found = {}
    for name, pair in compare_scores(results, benchmark=MME).items():
        changes = [
            by_seed[i + 1][name].score - by_seed[i][name].score for i in range(0, len(by_seed), 2)
        ]
        found[name] = MmeDifference(
            Difference(pair.difference, pair.interval),
            num_seeds=len(seeds),
            seed_interval=paired_mean(changes).interval if len(seeds) > 1 else None,
        )
    return found


def _details(run: RunDir) -> dict[str, Any]:
    scores = scores_of(run, MME)
    path = ResultFiles(run.eval_dir(MME)).scores_path
    if scores is None or "tasks" not in scores.details:
        raise unreadable(path, "it has no scores of MME's tasks")
    return scores.details


def _task(reports: Sequence[Mapping[str, Any]]) -> MmeScore:
    return MmeScore(
        **{key: fmean(one[key] for one in reports) for key in ("score", "low", "high")},
        band=(reports[0]["chance"]["low"], reports[0]["chance"]["high"]),
        other_rate=fmean(one["other_rate"] for one in reports),
        num_images=reports[0]["num_images"],
        max=_MAX,
    )


def _sum(
    reports: Sequence[Mapping[str, Any]], wholes: Sequence[Mapping[str, Any]], name: str
) -> MmeScore:
    tasks = reports[0]["tasks"]
    others = [one["tasks"][task] for one in wholes for task in tasks]
    asked = sum(one["num_questions"] for one in others)
    return MmeScore(
        **{key: fmean(one[key] for one in reports) for key in ("score", "low", "high")},
        band=(reports[0]["chance"]["low"], reports[0]["chance"]["high"]),
        other_rate=math.fsum(one["other_rate"] * one["num_questions"] for one in others) / asked,
        num_images=sum(wholes[0]["tasks"][task]["num_images"] for task in tasks),
        max=reports[0]["max"],
    )
