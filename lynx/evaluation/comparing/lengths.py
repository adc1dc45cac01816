"""Measures how long answers are, and what a difference is between answers of equal length."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student_t

from lynx.evaluation.comparing.pairs import clusters_of
from lynx.evaluation.results import Prediction, Result
from lynx.evaluation.statistics import Difference, Interval, clustered_mean

Measure = Callable[[Prediction], int | None]
MEASURES: dict[str, Measure] = {
    "words": lambda one: len(one.prediction.split()),
    "characters": lambda one: len(one.prediction),
    "tokens": lambda one: one.num_tokens,
}


@dataclass(frozen=True)
class LengthPair:
    """Mean lengths of two runs' answers to the same questions, over all seeds."""

    n: int  # questions
    base: float
    other: float
    difference: Difference  # other minus base, clustered by picture
    base_empty: int  # answers without a word, of all seeds
    other_empty: int


@dataclass(frozen=True)
class AtEqualLength:
    """A difference of accuracy that is left when what longer answers bring is taken off."""

    difference: Difference  # 1.0 = 100 points
    per_doubling: float  # accuracy that twice as long an answer to the same question goes with


def compare_lengths(
    answers: Sequence[tuple[Sequence[Prediction], Sequence[Prediction]]],
) -> dict[str, LengthPair]:
    """By measure; tokens only where both sides counted them. answers: (base, other) by seed."""
    pairs = {}
    clusters = clusters_of(answers[0][0])
    for name, measure in MEASURES.items():
        lengths = [[[measure(one) for one in side] for side in pair] for pair in answers]
        if any(length is None for pair in lengths for side in pair for length in side):
            continue
        base, other = np.array(lengths, dtype=float).mean(axis=0)  # (n,) means over seeds
        pairs[name] = LengthPair(
            n=len(base),
            base=float(base.mean()),
            other=float(other.mean()),
            difference=clustered_mean((other - base).tolist(), clusters),
            base_empty=sum(not one.prediction.strip() for pair in answers for one in pair[0]),
            other_empty=sum(not one.prediction.strip() for pair in answers for one in pair[1]),
        )
    return pairs


def at_equal_length(
    results: Sequence[tuple[Sequence[Result], Sequence[Result]]],
) -> AtEqualLength | None:
    """The difference after regressing correctness on log(1 + words), question by question.

    d_q = difference + slope * l_q + noise by least squares, where d_q is the change of correctness
    of a question and l_q that of its log length, so that what is peculiar to a question drops out
    (fixed effects); several seeds by their means. Where no length changed, it is the plain one. The
    interval is clustered by picture (Liang and Zeger 1986, corrected for few clusters; Student's
    with one degree less than there are clusters). It is a linear adjustment: length may matter in
    other ways, and may be a consequence of what was changed. None where all answers changed by one
    ratio, or with fewer than three pictures: length can't be told from the change itself then.
    """
    changes = np.mean([_changes(b, o) for b, o in results], axis=0)  # (n, 2)
    correct, length = changes[:, 0], changes[:, 1]
    names = clusters_of([r.prediction for r in results[0][0]])
    if not length.any():
        return AtEqualLength(clustered_mean(correct.tolist(), names), per_doubling=0.0)
    clusters = np.unique(names, return_inverse=True)[1]
    num_clusters = int(clusters.max()) + 1
    if np.allclose(length, length[0]) or num_clusters < 3:
        return None
    design = np.stack([np.ones(len(length)), length], axis=1)
    inverse = np.linalg.inv(design.T @ design)
    value, slope = inverse @ design.T @ correct
    scores = design * (correct - design @ (value, slope))[:, None]
    sums = np.stack([np.bincount(clusters, column) for column in scores.T], axis=1)
    n = len(correct)
    correction = num_clusters / (num_clusters - 1) * (n - 1) / (n - 2)
    variance = float((inverse @ (correction * sums.T @ sums) @ inverse)[0, 0])
    half = float(student_t.ppf(0.975, num_clusters - 1)) * math.sqrt(max(variance, 0.0))
    return AtEqualLength(
        Difference(float(value), Interval(float(value) - half, float(value) + half)),
        per_doubling=float(slope) * math.log(2),
    )


def _changes(base: Sequence[Result], other: Sequence[Result]) -> np.ndarray:
    """(n, 2) changes of correctness and of log length."""
    return np.array([
        (
            float(o.correct is True) - float(b.correct is True),
            _log_length(o.prediction) - _log_length(b.prediction),
        )
        for b, o in zip(base, other, strict=True)
    ])  # fmt: skip


def _log_length(prediction: Prediction) -> float:
    return math.log1p(len(prediction.prediction.split()))
