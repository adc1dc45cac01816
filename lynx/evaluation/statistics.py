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

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom
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
    return min(1.0, 2 * float(binom.cdf(min(gained, lost), gained + lost, 0.5)))


def mcnemar_mid_p(gained: int, lost: int) -> float:
    """McNemar's p with half the probability of what was seen: less cautious than the exact p.

    Fagerland, Lydersen and Laake (2013) recommend it; it exceeds 5 % hardly ever, and little.
    """
    seen = float(binom.pmf(gained, gained + lost, 0.5))
    return min(1.0, 2 * float(binom.cdf(min(gained, lost), gained + lost, 0.5)) - seen)


def sign_flip_p(sums: Sequence[int]) -> float:
    """Two-sided exact p of the sum, were each cluster's sign a coin's: McNemar's test of clusters.

    sums: of each cluster (a picture's questions), the sum of its questions' differences, in whole
    numbers. With a question in each cluster it is McNemar's exact p. All 2^n choices of signs are
    counted, by convolution.
    """
    sizes, numbers = np.unique(np.abs([s for s in sums if s != 0]), return_counts=True)
    reach = int((sizes * numbers).sum())
    shares = np.zeros(2 * reach + 1)  # of each sum from -reach to +reach
    shares[reach] = 1.0
    for size in np.repeat(sizes, numbers).astype(int):
        # No wrap: what would be rolled over an end is zero, since the sums never exceed the reach.
        shares = (np.roll(shares, size) + np.roll(shares, -size)) / 2
    far = np.abs(np.arange(-reach, reach + 1)) >= abs(sum(sums))
    return min(1.0, float(shares[far].sum()))


def student_p(values: Sequence[float]) -> float:
    """Two-sided p of Student's test that the mean of two or more values is zero."""
    difference = paired_mean(values)
    if difference.half_width == 0.0:
        return 1.0 if difference.value == 0.0 else 0.0
    freedom = len(values) - 1
    scale = difference.half_width / float(student_t.ppf(0.975, freedom))
    return 2 * float(student_t.sf(abs(difference.value) / scale, freedom))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p of each of several tests read side by side, in the order given."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, largest = [1.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


def bootstrap_interval(
    sums: NDArray[np.float64],
    sizes: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    num_resamples: int = 2000,
) -> Interval:
    """Percentile interval of the mean over questions, clusters drawn again with replacement.

    sums, sizes: (clusters,), the sum of each cluster's differences and its number of questions. A
    percentile interval of few clusters, or of few that differ, is too narrow.
    """  # fmt: skip
    number = len(sums)
    counts = rng.multinomial(number, np.full(number, 1 / number), size=num_resamples)
    means = (counts @ sums) / (counts @ sizes)
    low, high = np.percentile(means, (2.5, 97.5))
    return Interval(float(low), float(high))


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


def clustered_mean(values: Sequence[float], clusters: Sequence[Hashable]) -> Difference:
    """Mean of unbounded paired differences, such as lengths, and its interval over clusters.

    Student's, of the clusters' sums; with a question in each cluster it is `paired_mean`'s. One
    cluster alone says nothing about others: its interval is endless.
    """
    n, number = len(values), len(set(clusters))
    mean = math.fsum(values) / n
    if number < 2:
        return Difference(mean, Interval(-math.inf, math.inf))
    sums: dict[Hashable, float] = {}
    for value, cluster in zip(values, clusters, strict=True):
        sums[cluster] = sums.get(cluster, 0.0) + value - mean
    variance = number / (number - 1) * math.fsum(s * s for s in sums.values()) / n**2
    half = float(student_t.ppf(0.975, number - 1)) * math.sqrt(variance)
    return Difference(mean, Interval(mean - half, mean + half))
