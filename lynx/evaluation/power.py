"""Says how many questions, or seeds, would settle a gap if it is as large as it looks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.optimize import brentq
from scipy.stats import binom, nct, norm
from scipy.stats import t as student_t

POWER = 0.8
LEVEL = 0.05  # two-sided
MOST_QUESTIONS = 10_000_000
MOST_SEEDS = 10_000


def mcnemar_power(num_questions: int, *, gained: float, lost: float) -> float:
    """How often McNemar's exact test finds p < .05 on so many questions.

    gained, lost: shares of questions that flip either way (1.0 = all). Every number of flips within
    nine standard deviations of the expected one is counted with its probability.
    """
    rate = gained + lost
    if rate == 0.0:
        return 0.0
    spread = 9 * math.sqrt(num_questions * rate * (1 - rate)) + 9
    first = max(0, math.floor(num_questions * rate - spread))
    last = min(num_questions, math.ceil(num_questions * rate + spread))
    flips = np.arange(first, last + 1)
    fewest = binom.ppf(LEVEL / 2, flips, 0.5)  # largest rarer side that is still significant, or +1
    fewest -= binom.cdf(fewest, flips, 0.5) >= LEVEL / 2
    share = gained / rate
    found = binom.cdf(fewest, flips, share) + binom.sf(flips - fewest - 1, flips, share)
    return float((binom.pmf(flips, num_questions, rate) * np.where(fewest < 0, 0.0, found)).sum())


def questions_needed(gained: int, lost: int, n: int) -> int | None:
    """Questions with which McNemar's exact test finds this gap with 80 % power.

    gained, lost: flips seen among n questions; the same shares are taken for more. The search
    starts at Connor's formula (1987). None where the gap is zero or more than ten million
    questions would be needed.
    """
    if gained == lost:
        return None
    up, down = gained / n, lost / n
    rate, gap = up + down, abs(up - down)
    z_level, z_power = norm.ppf(1 - LEVEL / 2), norm.ppf(POWER)
    connor = (z_level * math.sqrt(rate) + z_power * math.sqrt(rate - gap**2)) ** 2 / gap**2
    if connor > MOST_QUESTIONS:
        return None
    low, high = 1, max(8, math.ceil(connor))
    while mcnemar_power(high, gained=up, lost=down) < POWER:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if mcnemar_power(middle, gained=up, lost=down) < POWER:
            low = middle
        else:
            high = middle
    return high


def student_power(num_seeds: int, *, mean: float, deviation: float) -> float:
    """How often Student's test of so many seeds' differences finds p < .05.

    mean, deviation: of one seed's difference, as if they were known.
    """
    if deviation == 0.0:
        return float(mean != 0.0)
    freedom = num_seeds - 1
    bound = student_t.ppf(1 - LEVEL / 2, freedom)
    shift = abs(mean) * math.sqrt(num_seeds) / deviation
    # scipy's noncentral t underflows to nan far out, where the power is 1.
    return float(np.nan_to_num(nct.sf(bound, freedom, shift), nan=1.0))


def seeds_needed(by_seed: Sequence[float]) -> int | None:
    """Seeds with which Student's test finds the mean difference seen, with 80 % power.

    by_seed: the differences of two or more seeds. None where their mean is zero, or more than ten
    thousand seeds would be needed. A deviation of few seeds is itself uncertain, and so is this.
    """
    mean, deviation = float(np.mean(by_seed)), float(np.std(by_seed, ddof=1))
    if abs(mean) < 1e-12:
        return None
    low, high = 1, 2
    while student_power(high, mean=mean, deviation=deviation) < POWER:
        low, high = high, 2 * high
        if high > MOST_SEEDS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        if student_power(middle, mean=mean, deviation=deviation) < POWER:
            low = middle
        else:
            high = middle
    return high


def smallest_over_questions(standard_error: float) -> float:
    """The true difference that questions with this standard error find with 80 % power."""
    return standard_error * float(norm.ppf(1 - LEVEL / 2) + norm.ppf(POWER))


def smallest_over_seeds(by_seed: Sequence[float]) -> float:
    """The true difference that so many seeds, deviating so much, find with 80 % power."""
    deviation = float(np.std(by_seed, ddof=1))
    if deviation == 0.0:
        return 0.0
    number = len(by_seed)

    def lacking(mean: float) -> float:
        return student_power(number, mean=mean, deviation=deviation) - POWER

    bound = float(student_t.ppf(1 - LEVEL / 2, number - 1)) * deviation
    return float(brentq(lacking, 0.0, 4 * bound))
