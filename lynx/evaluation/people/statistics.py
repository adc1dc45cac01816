"""Mean scores of rated models with intervals, and how often one model beats another.

Several raters are pooled by question: a question counts once, with the mean over its raters.
Intervals are percentiles of a bootstrap over pictures, since the questions of a dialogue hang
together; they say how much other questions would change the figure, not how much other raters.

Scores are not comparable across sets of models. With five models, five scores and few ties, a
question's scores are hardly more than the order of its answers: the mean over all models is then
near 3 however good they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from lynx.config.seeds import generator
from lynx.evaluation.people.ratings import Ratings
from lynx.evaluation.statistics import Interval

NUM_RESAMPLES = 4000
_PERCENTILES = (2.5, 97.5)


@dataclass(frozen=True)
class MeanScore:
    """A model's mean score (Table 4)."""

    model: str
    mean: float | None  # None where nobody has rated it
    interval: Interval | None  # 95 %; None with fewer than two pictures
    num_questions: int
    num_scores: int  # of all raters


@dataclass(frozen=True)
class Wins:
    """How often people preferred a model to another, by question (Table 5's `win/all`)."""

    model: str
    other: str
    rater: str | None  # None: pooled over all
    num_wins: int
    num_ties: int
    num_losses: int
    interval: Interval | None  # 95 %, of (wins - losses) / all

    @property
    def num_all(self) -> int:
        """Questions for which both were rated."""
        return self.num_wins + self.num_ties + self.num_losses

    @property
    def p(self) -> float:
        """Two-sided exact sign test; ties say nothing about the direction and are left out.

        It takes questions for independent, which those of one dialogue are not quite; the interval
        does not.
        """
        decided = self.num_wins + self.num_losses
        return float(binomtest(self.num_wins, decided, 0.5).pvalue) if decided else 1.0

    @property
    def verdict(self) -> str:
        """better, worse or undecided, by sign test and interval together."""
        if self.p >= 0.05 or self.interval is None or self.interval.contains(0.0):
            return "undecided"
        return "better" if self.num_wins > self.num_losses else "worse"


def mean_scores(ratings: Ratings, *, seed: int = 0) -> list[MeanScore]:
    """Each model's mean score, best first. seed: of the bootstrap's stream."""
    means = []
    for model in ratings.models:
        pooled = ratings.pooled(model)
        means.append(
            MeanScore(
                model=model,
                mean=sum(pooled.values()) / len(pooled) if pooled else None,
                interval=_interval(ratings, pooled, seed),
                num_questions=len(pooled),
                num_scores=sum(
                    model in scores
                    for given in ratings.scores.values()
                    for scores in given.values()
                ),
            )
        )
    return sorted(means, key=lambda one: -(one.mean or 0.0))


def wins(
    ratings: Ratings, model: str, other: str, *, rater: str | None = None, seed: int = 0
) -> Wins:
    """How often `model` was preferred to `other`.

    rater: one of them, or None for all. Of several raters, a question is won where the mean of
    their differences is above zero, so that raters who disagree evenly make a tie.
    """
    chosen = ratings if rater is None else ratings.only(rater)
    differences = chosen.pooled_differences(model, other)
    signs = {question: float(np.sign(d)) for question, d in differences.items()}
    return Wins(
        model=model,
        other=other,
        rater=rater,
        num_wins=sum(sign > 0 for sign in signs.values()),
        num_ties=sum(sign == 0 for sign in signs.values()),
        num_losses=sum(sign < 0 for sign in signs.values()),
        interval=_interval(ratings, signs, seed),
    )


def wins_by_rater(ratings: Ratings, model: str, other: str) -> list[Wins]:
    """`wins` of every rater alone."""
    return [wins(ratings, model, other, rater=rater) for rater in ratings.raters]


def _interval(ratings: Ratings, values: Mapping[str, float], seed: int) -> Interval | None:
    """95 % interval of the mean of the questions' values, resampling whole pictures."""
    clusters: dict[str, list[float]] = {}
    for question, value in values.items():
        clusters.setdefault(ratings.clusters[question], []).append(value)
    if len(clusters) < 2:
        return None
    sums = np.array([sum(group) for group in clusters.values()])
    sizes = np.array([len(group) for group in clusters.values()])
    # The same stream for every model: intervals of two models differ by their scores alone.
    rng = generator(seed, "people", "bootstrap", ratings.benchmark)
    draws = rng.integers(len(sums), size=(NUM_RESAMPLES, len(sums)))
    means = sums[draws].sum(axis=1) / sizes[draws].sum(axis=1)
    low, high = np.percentile(means, _PERCENTILES)
    return Interval(float(low), float(high))
