"""Takes apart what a difference may be due to: the questions, the seeds, the judge."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import stdev

from lynx.evaluation.comparing.pairs import Paired
from lynx.evaluation.power import smallest_over_questions, smallest_over_seeds
from lynx.evaluation.results import ResultFiles
from lynx.evaluation.statistics import Z95
from lynx.tracking.run_dir import RunDir


@dataclass(frozen=True)
class JudgeNoise:
    """What judging the same answers again changes, from claims judged several times."""

    num_claims: int  # with more than one verdict
    flip_rate: float  # share of pairs of verdicts on one claim that disagree
    standard_error: float  # of a share of right answers, one verdict each (1.0 = 100 points)


@dataclass(frozen=True)
class Budget:
    """Standard errors of a difference by their source (1.0 = 100 points), and what is resolved."""

    questions: float
    seeds: float | None  # of the mean over seeds; None with one seed: training noise is unknown
    judge: float | None  # part of the others; None where nothing was judged twice
    resolved_over_questions: float  # smallest true difference found with 80 % power
    resolved_over_seeds: float | None

    @property
    def resolved(self) -> float:
        """The smallest true difference that both questions and seeds find with 80 % power."""
        return max(self.resolved_over_questions, self.resolved_over_seeds or 0.0)


def judge_noise(run: RunDir, benchmark: str) -> JudgeNoise | None:
    """Of a run's verdicts; None where no claim was judged more than once."""
    files = ResultFiles(run.eval_dir(benchmark))
    rows = [json.loads(line) for line in files.verdicts_path.read_text("utf-8").split("\n") if line]
    repeated = [[row["correct"], *row["repeats"]] for row in rows if row.get("repeats")]
    if not repeated:
        return None
    disagreeing = sum(_disagreeing_pairs(verdicts) for verdicts in repeated)
    pairs = sum(math.comb(len(verdicts), 2) for verdicts in repeated)
    variances = [_variance([verdict is True for verdict in one]) for one in repeated]
    mean_variance = sum(variances) / len(variances)
    return JudgeNoise(len(repeated), disagreeing / pairs, math.sqrt(mean_variance / len(rows)))


def budget(both: Paired, judges: Sequence[tuple[JudgeNoise | None, JudgeNoise | None]]) -> Budget:
    """Of one comparison; judges: noise of the (base, other) verdicts by seed.

    The interval's half width stands for the questions' error. The judge's error is contained in
    the other two, so it is told, and not added.
    """
    interval = both.difference.interval
    questions = (interval.high - interval.low) / 2 / Z95
    several = len(both.by_seed) > 1
    known = [one.standard_error for pair in judges for one in pair if one is not None]
    is_known = len(known) == 2 * len(judges) > 0
    return Budget(
        questions=questions,
        seeds=stdev(both.by_seed) / math.sqrt(len(both.by_seed)) if several else None,
        judge=math.sqrt(sum(error**2 for error in known)) / len(judges) if is_known else None,
        resolved_over_questions=smallest_over_questions(questions),
        resolved_over_seeds=smallest_over_seeds(both.by_seed) if several else None,
    )


def _disagreeing_pairs(verdicts: Sequence[bool | None]) -> int:
    same = sum(math.comb(list(verdicts).count(kind), 2) for kind in (True, False, None))
    return math.comb(len(verdicts), 2) - same


def _variance(verdicts: Sequence[bool]) -> float:
    """Unbiased, of one verdict on a claim."""
    share = sum(verdicts) / len(verdicts)
    return len(verdicts) / (len(verdicts) - 1) * share * (1 - share)
