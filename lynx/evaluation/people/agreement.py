"""How far raters agree: Krippendorff's alpha for ordered scores, and the share of equal scores."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from lynx.config.seeds import generator
from lynx.evaluation.people.ratings import Ratings
from lynx.evaluation.people.tie_rules import SCORES
from lynx.evaluation.statistics import Interval

_NUM_RESAMPLES = 2000
_Matrix = np.ndarray  # coincidences of scores, (5, 5)


@dataclass(frozen=True)
class Agreement:
    """Agreement of all raters, or of two of them."""

    raters: tuple[str, ...]
    num_answers: int  # scored by at least two raters
    equal_share: float | None  # of pairs of scores of the same answer; None where there are none
    alpha: float | None  # 1 perfect, 0 as by chance; None where all scores are equal
    alpha_interval: Interval | None  # 95 %, bootstrap over pictures


def agreement(ratings: Ratings, raters: Sequence[str] | None = None, *, seed: int = 0) -> Agreement:
    """Agreement of the raters (None: all) over every answer that two of them have scored."""
    chosen = tuple(ratings.raters if raters is None else raters)
    matrices: dict[Hashable, _Matrix] = {}
    nothing = np.zeros((len(SCORES), len(SCORES)))
    num_answers, num_equal, num_pairs = 0, 0, 0
    for question, cluster in ratings.clusters.items():
        for model in ratings.models:
            given = [
                ratings.scores[rater][question][model]
                for rater in chosen
                if model in ratings.scores.get(rater, {}).get(question, {})
            ]
            if len(given) < 2:
                continue
            num_answers += 1
            pairs = list(combinations(given, 2))
            num_equal += sum(first == second for first, second in pairs)
            num_pairs += len(pairs)
            matrices[cluster] = matrices.get(cluster, nothing) + coincidences([given])
    total = sum(matrices.values(), nothing)
    return Agreement(
        raters=chosen,
        num_answers=num_answers,
        equal_share=num_equal / num_pairs if num_pairs else None,
        alpha=ordinal_alpha(total),
        alpha_interval=_alpha_interval(list(matrices.values()), seed),
    )


def agreement_of_pairs(ratings: Ratings) -> list[Agreement]:
    """Every two raters."""
    return [agreement(ratings, pair) for pair in combinations(ratings.raters, 2)]


def coincidences(units: Iterable[Sequence[int]], scores: Sequence[int] = SCORES) -> _Matrix:
    """Krippendorff's coincidence matrix: ordered pairs of a unit's scores, a unit weighing as many
    as it has scores. units: the scores that one thing got; those with fewer than two are left out.
    """
    places = {score: place for place, score in enumerate(scores)}
    matrix = np.zeros((len(scores), len(scores)))
    for unit in units:
        if len(unit) < 2:
            continue
        counts = np.zeros(len(scores))
        for score in unit:
            counts[places[score]] += 1
        matrix += (np.outer(counts, counts) - np.diag(counts)) / (len(unit) - 1)
    return matrix


def ordinal_alpha(matrix: _Matrix) -> float | None:
    """Alpha of a coincidence matrix whose scores are ordered (Krippendorff 2011); None where no
    disagreement was possible."""
    totals = matrix.sum(axis=1)
    between = np.cumsum(totals) - totals / 2  # so that differences count the ends by half
    distances = (between[:, None] - between[None, :]) ** 2
    expected = (np.outer(totals, totals) * distances).sum()
    if expected == 0:
        return None
    return float(1 - (totals.sum() - 1) * (matrix * distances).sum() / expected)


def _alpha_interval(matrices: Sequence[_Matrix], seed: int) -> Interval | None:
    if len(matrices) < 2:
        return None
    stacked = np.stack(matrices)
    rng = generator(seed, "people", "agreement")
    draws = rng.integers(len(stacked), size=(_NUM_RESAMPLES, len(stacked)))
    alphas = [ordinal_alpha(stacked[draw].sum(axis=0)) for draw in draws]
    known = [alpha for alpha in alphas if alpha is not None]
    if not known:
        return None
    low, high = np.percentile(known, (2.5, 97.5))
    return Interval(float(low), float(high))
