"""What a random guesser gets on MME: the distribution of scores of tasks and of their sums.

A guesser who says yes or no with equal chance has both questions of a picture right in a quarter
of the pictures (200 points: 100 of accuracy, 100 of accuracy+) and one in half of them (50 points),
so a task's score is 75 on average, with a standard deviation of 75 points over the root of the
number of pictures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from lynx.config.seeds import generator

MEAN = SD_OF_A_PICTURE = 75.0
_SHARES = (0.25, 0.5, 0.25)  # of pictures with no, one, both questions right
_POINTS = (0.0, 50.0, 200.0)
_TAIL = 0.025
_DRAWS = 100_000
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Chance:
    """A random guesser's score: mean, standard deviation, and a band that holds 95 % of them."""

    mean: float
    sd: float
    low: float
    high: float


@cache
def task_chance(num_images: int) -> Chance:
    """Of one task; the band is exact, and its ends are scores that occur."""
    one_picture = np.zeros(5)  # in steps of 50 points: 0, 1 or 4
    one_picture[[0, 1, 4]] = _SHARES
    probabilities: NDArray[np.float64] = np.ones(1)
    for _ in range(num_images):
        probabilities = np.convolve(probabilities, one_picture)
    cumulative = np.cumsum(probabilities)
    low, high = (int(np.argmax(cumulative >= p - _ROUNDING)) for p in (_TAIL, 1 - _TAIL))
    sd = SD_OF_A_PICTURE / math.sqrt(num_images)
    return Chance(MEAN, sd, 50.0 * low / num_images, 50.0 * high / num_images)


@cache
def sum_chance(num_images: tuple[int, ...]) -> Chance:
    """Of the sum of tasks with these numbers of pictures; simulated, with the same draws always."""
    if len(num_images) == 1:
        return task_chance(num_images[0])
    rng = generator(0, "mme", "chance", *num_images)
    sums = np.zeros(_DRAWS)
    for n in num_images:
        sums += rng.multinomial(n, _SHARES, size=_DRAWS) @ np.array(_POINTS) / n
    low, high = np.quantile(sums, (_TAIL, 1 - _TAIL))
    sd = SD_OF_A_PICTURE * math.sqrt(math.fsum(1 / n for n in num_images))
    return Chance(MEAN * len(num_images), sd, float(low), float(high))
