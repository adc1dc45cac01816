"""Finds evaluated runs and reads what they measured, several seeds pooled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from statistics import fmean

from lynx.config.ablation import Ablation
from lynx.config.errors import LynxError
from lynx.config.schema import STAGE_NAMES
from lynx.evaluation.compare import Comparison, compare_seeds
from lynx.evaluation.results import ResultFiles, unreadable
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
    ablation: Ablation | None = None  # None: the base, or a model that isn't ours
    variant: str = ""  # the folder of its runs; "" where it has none
    is_ours: bool = True

    def evaluated(self, benchmark: str) -> Runs:
        """The runs whose evaluation on the benchmark has ended."""
        return {s: run for s, run in self.runs.items() if scores_of(run, benchmark) is not None}


@dataclass(frozen=True)
class Share:
    """A pooled share of right answers: the mean over the seeds."""

    accuracy: float
    interval: Interval
    majority: float
    always_yes: float | None  # None where yes is never right
    without_vision: Mapping[str, float]  # by what stood for the pictures, if all seeds were asked


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
    """The scores of a run, None where its evaluation has not ended or is of earlier weights."""
    files = ResultFiles(run.eval_dir(benchmark))
    content = files.scores()
    if content is None or is_outdated(run, benchmark):
        return None
    try:
        return Scores.from_json(content)
    except (AttributeError, KeyError, TypeError) as error:
        raise unreadable(files.scores_path, str(error)) from error


def is_outdated(run: RunDir, benchmark: str) -> bool:
    """Whether the weights in the folder are others than those that answered.

    A folder that came without its weights is believed.
    """
    if not run.checkpoint_dir(STAGE_NAMES[-1]).is_dir():
        return False
    from lynx.evaluation.build import trained_parts_path  # here, as it imports torch

    try:
        path = trained_parts_path(run)
    except LynxError:
        return False
    protocol = ResultFiles(run.eval_dir(benchmark)).protocol() or {}
    status = path.stat()
    return protocol.get("checkpoint") != _identity(path, status.st_size, status.st_mtime_ns)


def evaluated_folders(run: RunDir) -> list[str]:
    """Benchmarks with scores in the folder, by name, be they of earlier weights."""
    folders = run.eval_dir("any").parent.glob("*")
    names = [folder.name for folder in folders if "@" not in folder.name]
    return sorted(n for n in names if ResultFiles(run.eval_dir(n)).scores_path.is_file())


def benchmarks_of(run: RunDir) -> list[str]:
    """Benchmarks on which the run has been evaluated, by name."""
    return [name for name in evaluated_folders(run) if scores_of(run, name) is not None]


def categories_of(runs: Runs, benchmark: str) -> list[str]:
    """Categories measured, in the questions' order."""
    for run in runs.values():
        scores = scores_of(run, benchmark)
        if scores is not None:
            return list(scores.categories)
    return []


def share(runs: Runs, benchmark: str, category: str = OVERALL) -> Share | None:
    """The pooled share on a category; None where nothing was measured."""
    found = {run: _score(run, benchmark, category) for run in runs.values()}
    scores = [score for score in found.values() if score is not None]
    if not scores:
        return None
    if len({score.n if score else 0 for score in found.values()}) > 1:
        asked = ", ".join(f"{run.path}: {one.n if one else 0}" for run, one in found.items())
        raise LynxError(
            f"{benchmark}, {category}: seeds that were asked different numbers of questions can't "
            f"be pooled ({asked}); evaluate these runs again"
        )
    accuracy = sum(score.accuracy for score in scores) / len(scores)
    visions = [v for v in scores[0].without_vision if all(v in s.without_vision for s in scores)]
    return Share(
        accuracy=accuracy,
        interval=wilson(accuracy * scores[0].n, scores[0].n),
        majority=scores[0].majority,
        always_yes=scores[0].always_yes,
        without_vision={v: fmean(score.without_vision[v] for score in scores) for v in visions},
    )


def is_judged(runs: Iterable[RunDir], benchmark: str) -> bool:
    """Whether somebody decided, in each of the runs, who is right."""
    found = [scores_of(run, benchmark) for run in runs]
    return bool(found) and all(one is not None and one.overall is not None for one in found)


def num_questions(runs: Runs, benchmark: str) -> int:
    """Questions of the benchmark; 0 where nothing was measured."""
    return max((score.n for score in _overall(runs, benchmark)), default=0)


def judges(runs: Runs, benchmark: str) -> set[str]:
    """Names of the judges of the runs."""
    return {scores.judge for run in runs.values() if (scores := scores_of(run, benchmark))}


def unparseable(runs: Runs, benchmark: str) -> int:
    """Verdicts of all seeds that were neither yes nor no."""
    return sum(score.unparseable for score in _overall(runs, benchmark))


def mean_words(runs: Runs, benchmark: str) -> float | None:
    """Mean length of the predictions, over questions and seeds; None where nothing was measured."""
    found = [scores_of(run, benchmark) for run in runs.values()]
    lengths = [scores.lengths.words for scores in found if scores is not None]
    return fmean(length.mean for length in lengths) if lengths else None


def plug_and_play(runs: Runs, benchmark: str) -> set[bool]:
    """Whether the runs described the picture first; two values where they differ."""
    protocols = [ResultFiles(run.eval_dir(benchmark)).protocol() or {} for run in runs.values()]
    return {protocol.get("plug_and_play") is not None for protocol in protocols}


def common_seeds(base: Row, row: Row, benchmark: str) -> list[int]:
    """Seeds at which both have been evaluated: those that a difference rests on."""
    others = row.evaluated(benchmark)
    return [seed for seed in base.evaluated(benchmark) if seed in others]


def compared(base: Row, row: Row, benchmark: str) -> Comparison | None:
    """The two rows over their common seeds; None without any."""
    pairs = [(base.runs[seed], row.runs[seed]) for seed in common_seeds(base, row, benchmark)]
    return compare_seeds(pairs, benchmark) if pairs else None


@lru_cache(maxsize=256)
def _identity(path: Path, size: int, modified: int) -> str:
    """Of a file's content; size and time of modification tell when to read it anew."""
    from lynx.evaluation.build import file_identity

    return file_identity(path)


def _overall(runs: Runs, benchmark: str) -> list[Score]:
    found = [scores_of(run, benchmark) for run in runs.values()]
    return [scores.overall for scores in found if scores is not None and scores.overall is not None]


def _score(run: RunDir, benchmark: str, category: str) -> Score | None:
    scores = scores_of(run, benchmark)
    if scores is None:
        return None
    return scores.overall if category == OVERALL else scores.categories.get(category)
