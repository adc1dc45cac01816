"""Finds evaluated runs and reads what they measured, several seeds pooled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from lynx.evaluation.compare import Paired, compare_seeds
from lynx.evaluation.results import ResultFiles
from lynx.evaluation.scores import Score, Scores
from lynx.evaluation.statistics import Interval, wilson
from lynx.reporting.paper_facts import OVERALL, PaperRow
from lynx.tracking.run_dir import RunDir

Runs = Mapping[int, RunDir]  # by seed


@dataclass(frozen=True)
class Row:
    """A variant: the paper's row, and the runs that measured it here (none: not run)."""

    label: str
    paper: PaperRow
    runs: Runs

    def evaluated(self, benchmark: str) -> Runs:
        """The runs whose evaluation on the benchmark has ended."""
        return {s: run for s, run in self.runs.items() if scores_of(run, benchmark) is not None}


@dataclass(frozen=True)
class Share:
    """A pooled share of right answers: the mean over the seeds."""

    accuracy: float
    interval: Interval
    blind: float | None  # None where a seed was not asked with swapped pictures
    majority: float


def find_runs(scale_dir: Path, variant: str, seeds: Sequence[int] | None) -> Runs:
    """Runs of a variant by seed; `seeds` None: all there are."""
    prefix = "seed"
    found = {
        int(path.name.removeprefix(prefix)): RunDir(path)
        for path in (scale_dir / variant).glob(f"{prefix}*")
        if path.name.removeprefix(prefix).isdigit()
    }
    return {seed: found[seed] for seed in sorted(found) if seeds is None or seed in seeds}


def scores_of(run: RunDir, benchmark: str) -> Scores | None:
    """The scores of a run, None where its evaluation has not ended."""
    content = ResultFiles(run.eval_dir(benchmark)).scores()
    return None if content is None else Scores.from_json(content)


def benchmarks_of(run: RunDir) -> list[str]:
    """Benchmarks on which the run has been evaluated, by name."""
    folders = run.eval_dir("any").parent.glob("*")
    return sorted(f.name for f in folders if "@" not in f.name and scores_of(run, f.name))


def categories_of(runs: Runs, benchmark: str) -> list[str]:
    """Categories measured, in the questions' order."""
    for run in runs.values():
        scores = scores_of(run, benchmark)
        if scores is not None:
            return list(scores.categories)
    return []


def share(runs: Runs, benchmark: str, category: str = OVERALL) -> Share | None:
    """The pooled share on a category; None where nothing was measured, or not by every run."""
    found = [_score(run, benchmark, category) for run in runs.values()]
    scores = [score for score in found if score is not None]
    if not scores or len(scores) < len(found):
        return None
    accuracy = sum(score.accuracy for score in scores) / len(scores)
    blind = [score.blind for score in scores if score.blind is not None]
    return Share(
        accuracy=accuracy,
        interval=wilson(accuracy * scores[0].n, scores[0].n),
        blind=sum(blind) / len(blind) if len(blind) == len(scores) else None,
        majority=scores[0].majority,
    )


def num_questions(runs: Runs, benchmark: str) -> int:
    """Questions of the benchmark; 0 where nothing was measured."""
    return max((score.n for score in _overall(runs, benchmark)), default=0)


def judges(runs: Runs, benchmark: str) -> set[str]:
    """Names of the judges of the runs."""
    return {scores.judge for run in runs.values() if (scores := scores_of(run, benchmark))}


def unparseable(runs: Runs, benchmark: str) -> int:
    """Verdicts of all seeds that were neither yes nor no."""
    return sum(score.unparseable for score in _overall(runs, benchmark))


def mean_words(runs: Runs, benchmark: str) -> float:
    """Mean length of the predictions, over questions and seeds."""
    return fmean(score.mean_words for score in _overall(runs, benchmark))


def paired(base: Runs, other: Runs, benchmark: str) -> dict[str, Paired]:
    """Differences by category (and "Overall") over the seeds that both have; {} without any."""
    common = [seed for seed in base if seed in other]
    if not common:
        return {}
    pairs = [(base[seed], other[seed]) for seed in common]
    return compare_seeds(pairs, benchmark).categories


def _overall(runs: Runs, benchmark: str) -> list[Score]:
    return [s.overall for run in runs.values() if (s := scores_of(run, benchmark)) is not None]


def _score(run: RunDir, benchmark: str, category: str) -> Score | None:
    scores = scores_of(run, benchmark)
    if scores is None:
        return None
    return scores.overall if category == OVERALL else scores.categories.get(category)
