"""Bradley-Terry strengths by maximum likelihood, with intervals over instructions.

A beats B with probability 1 / (1 + exp(s_B - s_A)); a tie is half a win for both. Unlike online
Elo, the fit does not depend on the order of the battles. Ratings are on Elo's scale: their mean is
1000, and 400 points are odds of ten.

The likelihood has a maximum only if no group of models has lost every battle against the rest.
Where one has, in the battles or in a resample, every model gets one invented tie against an average
opponent, which keeps the fit finite; `is_mle` tells, and `num_penalised` counts the resamples.
Resamples of such battles are all alike, as are those of one instruction or of ties alone: the
interval is then at least as wide as the curvature of the likelihood says.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import expit

from lynx.config.seeds import generator
from lynx.evaluation.statistics import Z95

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

POINTS = 400 / math.log(10)  # Elo points of one unit of log-odds
CENTRE = 1000.0
NUM_RESAMPLES = 1000
_INVENTED_TIES = 1.0
NUM_LENGTH_RESAMPLES = 200  # fits with a covariate see every battle, and so take longer
_SLOPE_SD = 5.0  # of the length effect's prior, which keeps it finite where longer always wins
_LEAST_KNOWN = 0.2  # share of the prior's sd to which the battles must narrow the length effect
_STEPS, _TOLERANCE = 100, 1e-9


@dataclass(frozen=True)
class Data:
    """Battles as arrays of equal length."""

    names: tuple[str, ...]
    first: Ints  # place of A in names
    second: Ints
    score: Floats  # of A: 1, 0.5 or 0
    cluster: Ints  # number of each battle's instruction
    covariate: Floats | None = None  # A's log length minus B's


@dataclass(frozen=True)
class Fit:
    """Log-odds strengths with mean zero; slope: of the covariate, per unit of log length."""

    strengths: Floats
    slope: float
    is_mle: bool
    covariance: Floats  # by curvature, of the strengths and then the slope


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % percentile interval, which holds it."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Ratings:
    """Ratings of every model, on Elo's scale, and the resampled ones [num_resamples, models]."""

    names: tuple[str, ...]
    values: Floats
    resampled: Floats
    slope: Estimate | None  # of the covariate; None without one
    is_mle: bool
    num_penalised: int
    covariance: Floats  # [models, models], by curvature

    def estimate(self, names: Sequence[str]) -> Estimate:
        """The mean rating of some models, of one or of all seeds of a variant."""
        places = [self.names.index(name) for name in names]
        value = float(self.values[places].mean())
        means = self.resampled[:, places].mean(axis=1)
        low, high = _percentiles(means)
        low, high = min(low, value), max(high, value)
        if not self.is_mle or np.ptp(means) < _TOLERANCE:
            contrast = np.full(len(self.names), -1 / len(self.names))
            contrast[places] += 1 / len(places)
            half = Z95 * math.sqrt(contrast @ self.covariance @ contrast)
            low, high = min(low, value - half), max(high, value + half)
        return Estimate(value, low, high)

    def ranks(self) -> dict[str, int]:
        """1 + the number of models whose lower bound lies above this one's upper bound."""
        estimates = {name: self.estimate([name]) for name in self.names}
        return {
            name: 1 + sum(other.low > own.high for other in estimates.values())
            for name, own in estimates.items()
        }


def data_of(
    battles: Sequence[tuple[str, str, float, str]], lengths: Sequence[tuple[int, int]] | None = None
) -> Data:
    """Arrays of (model a, model b, a's score, instruction).

    lengths: words of both answers; an empty answer counts as one word.
    """
    names = tuple(dict.fromkeys(name for battle in battles for name in battle[:2]))
    place = {name: i for i, name in enumerate(names)}
    clusters: dict[str, int] = {}
    covariate = None
    if lengths is not None:
        covariate = np.array([math.log(max(a, 1) / max(b, 1)) for a, b in lengths])
    return Data(
        names=names,
        first=np.array([place[a] for a, _, _, _ in battles], dtype=np.int64),
        second=np.array([place[b] for _, b, _, _ in battles], dtype=np.int64),
        score=np.array([score for _, _, score, _ in battles], dtype=np.float64),
        cluster=np.array(
            [clusters.setdefault(c, len(clusters)) for *_, c in battles], dtype=np.int64
        ),
        covariate=covariate,
    )


def rate(data: Data, *, num_resamples: int = NUM_RESAMPLES, seed: int = 0) -> Ratings | None:
    """Fit, and resample whole instructions for the intervals.

    None with a covariate whose effect the battles don't tell: each model's answers are all of one
    length, or the longer one always wins.
    """
    cells, cell_of = _cells(data)
    fitted = fit(cells, np.bincount(cell_of).astype(float))
    if data.covariate is not None:
        if math.sqrt(fitted.covariance[-1, -1]) > _LEAST_KNOWN * _SLOPE_SD:
            return None
        num_resamples = min(num_resamples, NUM_LENGTH_RESAMPLES)
    rng = generator(seed, "bradley_terry", "resamples")
    num_clusters = int(data.cluster.max()) + 1
    resamples = [
        fit(
            cells,
            np.bincount(cell_of, _drawn(rng, num_clusters)[data.cluster]).astype(float),
            start=fitted,
        )
        for _ in range(num_resamples)
    ]
    slope = None
    if data.covariate is not None:
        slope = Estimate(fitted.slope, *_percentiles(np.array([r.slope for r in resamples])))
    return Ratings(
        names=data.names,
        values=CENTRE + POINTS * fitted.strengths,
        resampled=CENTRE + POINTS * np.array([r.strengths for r in resamples]),
        slope=slope,
        is_mle=fitted.is_mle,
        num_penalised=sum(not r.is_mle for r in resamples),
        covariance=POINTS**2 * fitted.covariance[: len(data.names), : len(data.names)],
    )


def _cells(data: Data) -> tuple[Data, Ints]:
    """Battles that are alike as one, and to which of them each belongs."""
    columns = [data.first, data.second, data.score]
    if data.covariate is not None:
        columns.append(data.covariate)
    unique, cell_of = np.unique(np.column_stack(columns), axis=0, return_inverse=True)
    cells = replace(
        data,
        first=unique[:, 0].astype(np.int64),
        second=unique[:, 1].astype(np.int64),
        score=unique[:, 2],
        covariate=None if data.covariate is None else unique[:, 3],
    )
    return cells, cell_of.reshape(-1)


def fit(data: Data, weights: Floats, *, start: Fit | None = None) -> Fit:
    """Maximise the weighted likelihood by Newton's method with halved steps."""
    num = len(data.names)
    ties = 0.0 if _has_maximum(data, weights) else _INVENTED_TIES
    has_slope = data.covariate is not None
    x = np.zeros(num + has_slope)
    if start is not None and start.is_mle == (ties == 0.0):
        x[:num] = start.strengths
        x[num:] = start.slope
    value = _log_likelihood(x, data, weights, ties)
    for _ in range(_STEPS):
        gradient, curvature = _derivatives(x, data, weights, ties)
        step = np.linalg.solve(curvature, gradient)
        while True:
            better = _log_likelihood(x + step, data, weights, ties)
            if better >= value - 1e-12 * abs(value) or np.abs(step).max() < _TOLERANCE:
                break
            step = step / 2
        x, value = x + step, better
        if np.abs(step).max() < _TOLERANCE:
            break
    strengths = x[:num] - x[:num].mean()
    slope = float(x[num]) if has_slope else 0.0
    covariance: Floats = np.linalg.inv(_derivatives(x, data, weights, ties)[1]).astype(float)
    return Fit(strengths, slope, is_mle=ties == 0.0, covariance=covariance)


def _margins(x: Floats, data: Data) -> Floats:
    z: Floats = x[data.first] - x[data.second]
    return z if data.covariate is None else z + x[-1] * data.covariate


def _log_likelihood(x: Floats, data: Data, weights: Floats, ties: float) -> float:
    z = _margins(x, data)
    total = weights @ (data.score * z - np.logaddexp(0, z))
    strengths = x[: len(data.names)]
    total += ties * (strengths / 2 - np.logaddexp(0, strengths)).sum()
    if data.covariate is not None:
        total -= (x[-1] / _SLOPE_SD) ** 2 / 2
    return float(total)


def _derivatives(x: Floats, data: Data, weights: Floats, ties: float) -> tuple[Floats, Floats]:
    """Gradient, and the negative Hessian, made regular."""
    num, size = len(data.names), len(x)
    p = expit(_margins(x, data))
    pull, bend = weights * (data.score - p), weights * p * (1 - p)
    gradient, curvature = np.zeros(size), np.zeros((size, size))
    gradient[:num] = np.bincount(data.first, pull, num) - np.bincount(data.second, pull, num)
    cells = np.bincount(data.first * num + data.second, bend, num * num).reshape(num, num)
    both = cells + cells.T
    curvature[:num, :num] = np.diag(both.sum(axis=1)) - both
    own = expit(x[:num])
    gradient[:num] += ties * (0.5 - own)
    curvature[:num, :num] += ties * np.diag(own * (1 - own))
    if not ties:  # equal steps of all strengths change nothing: forbid them
        curvature[:num, :num] += 1 / num
    if data.covariate is not None:
        mixed = bend * data.covariate
        side = np.bincount(data.first, mixed, num) - np.bincount(data.second, mixed, num)
        gradient[num] = pull @ data.covariate - x[num] / _SLOPE_SD**2
        curvature[num, :num] = curvature[:num, num] = side
        curvature[num, num] = mixed @ data.covariate + 1 / _SLOPE_SD**2
    return gradient, curvature


def _has_maximum(data: Data, weights: Floats) -> bool:
    """Ford's condition: whoever is split off, somebody of each side has beaten one of the other."""
    num = len(data.names)
    won, lost = weights * data.score > 0, weights * (1 - data.score) > 0
    rows = np.concatenate([data.first[won], data.second[lost]])
    columns = np.concatenate([data.second[won], data.first[lost]])
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(num, num))
    return bool(connected_components(graph, directed=True, connection="strong")[0] == 1)


def _drawn(rng: np.random.Generator, number: int) -> Ints:
    """How often each of `number` is drawn in `number` draws with replacement."""
    return np.bincount(rng.integers(number, size=number), minlength=number)


def _percentiles(values: Floats) -> tuple[float, float]:
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)
