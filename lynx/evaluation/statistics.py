"""Intervals and tests for shares of right answers and for paired differences between two runs.

Several seeds are pooled by question: a question counts once, with the mean over the seeds, since
answers of two seeds to one question are not independent. An interval says how much another choice
of questions would change the figure; it does not contain the noise of training, which only the
spread over seeds shows.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from scipy.stats import t as student_t

Z95 = 1.959963984540054  # standard normal quantile of a two-sided 95 % interval


@dataclass(frozen=True)
class Interval:
    """A 95 % interval of a share or of a difference of shares (1.0 = 100 points)."""

    low: float
    high: float

    def contains(self, value: float) -> bool:
        """Whether `value` lies in it, ends included."""
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Difference:
    """A paired difference of accuracy, other minus base."""

    value: float
    interval: Interval

    @property
    def half_width(self) -> float:
        """The smallest h with `value` +- h covering the interval (whose centre is not `value`)."""
        return max(self.interval.high - self.value, self.value - self.interval.low)


def wilson(correct: float, n: int) -> Interval:
    """Wilson's score interval; `correct` may be a mean over seeds. n = 0 gives [0, 1]."""
    if n == 0:
        return Interval(0.0, 1.0)
    share, spread = correct / n, Z95**2 / n
    centre = (share + spread / 2) / (1 + spread)
    half = math.sqrt(spread * share * (1 - share) + spread**2 / 4) / (1 + spread)
    return Interval(max(0.0, centre - half), min(1.0, centre + half))


def mcnemar_exact(gained: int, lost: int) -> float:
    """Two-sided exact p of McNemar's test: the flips, were both directions equally likely."""
    flips, fewer = gained + lost, min(gained, lost)
    tail = sum(math.comb(flips, k) for k in range(fewer + 1))
    return min(1.0, 2 * tail / 2**flips)


def paired_difference(differences: Sequence[float], clusters: Sequence[Hashable]) -> Difference:
    """Mean of the questions' differences and its interval.

    differences: per question, other minus base, each in [-1, 1] (a mean over seeds). clusters: the
    picture of each question; the answers about one picture hang together.

    Bonett and Price's adjusted Wald interval (2012), of clusters: one invented picture all of whose
    questions are gained, and one all lost, keep it honest where few questions flip or few pictures
    are asked about. An invented picture has as many questions as the mean of the real ones. With
    one seed and a question per picture it is exactly theirs.
    """
    if not differences:
        return Difference(0.0, Interval(-1.0, 1.0))
    num_clusters = len(set(clusters)) + 2
    size = len(differences) / (num_clusters - 2)
    total, n = math.fsum(differences), len(differences) + 2 * size
    centre = total / n
    sums: dict[Hashable, float] = {}
    for difference, cluster in zip(differences, clusters, strict=True):
        sums[cluster] = sums.get(cluster, 0.0) + difference - centre
    invented = (size * (1 - centre), size * (-1 - centre))
    squares = math.fsum(s * s for s in [*sums.values(), *invented])
    correction = num_clusters / (num_clusters - 1) * (n - 1) / n  # 1 with a question per picture
    half = Z95 * math.sqrt(correction * squares) / n
    interval = Interval(max(-1.0, centre - half), min(1.0, centre + half))
    return Difference(total / len(differences), interval)


def paired_mean(differences: Sequence[float]) -> Difference:
    """Mean of unbounded paired differences, such as losses, and its Student interval."""
    n = len(differences)
    mean = math.fsum(differences) / n
    variance = math.fsum((one - mean) ** 2 for one in differences) / max(n - 1, 1)
    half = float(student_t.ppf(0.975, max(n - 1, 1))) * math.sqrt(variance / n)
    return Difference(mean, Interval(mean - half, mean + half))
