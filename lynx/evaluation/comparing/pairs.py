"""Pairs two lists of judged answers question by question: shares, flips, tests and intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from lynx.config.seeds import generator
from lynx.evaluation.results import Prediction, Result
from lynx.evaluation.statistics import (
    Difference,
    Interval,
    bootstrap_interval,
    mcnemar_exact,
    mcnemar_mid_p,
    paired_difference,
    paired_mean,
    sign_flip_p,
    student_p,
)

OVERALL = "Overall"


@dataclass(frozen=True)
class Flip:
    """A question that one of two runs answers rightly."""

    base: Prediction
    other: Prediction
    is_gained: bool  # right in the other run, wrong in the base


@dataclass(frozen=True)
class Paired:
    """Two runs (or the same two variants at several seeds) on the questions of a category."""

    n: int  # questions
    base_accuracy: float
    other_accuracy: float
    difference: Difference
    gained: int  # flips, over all seeds
    lost: int
    num_seeds: int = 1
    # Student's 95 % interval of the seeds' differences: the noise of training, which `difference`
    # does not contain. None with one seed; of few seeds that happen to agree it is too narrow.
    seed_interval: Interval | None = None
    by_seed: tuple[float, ...] = ()  # each seed's difference
    # By question, summed over the seeds, other minus base: whole numbers.
    sums: tuple[int, ...] = field(default=(), repr=False)
    clusters: tuple[str, ...] = field(default=(), repr=False)  # of each question: see `cluster_of`
    stream: tuple[str, ...] = field(default=(), repr=False)  # names the bootstrap's draws

    @property
    def p(self) -> float | None:
        """McNemar's exact p; None with several seeds, whose flips are not independent."""
        return mcnemar_exact(self.gained, self.lost) if self.num_seeds == 1 else None

    @property
    def mid_p(self) -> float | None:
        """McNemar's mid-p; None with several seeds."""
        return mcnemar_mid_p(self.gained, self.lost) if self.num_seeds == 1 else None

    @cached_property
    def cluster_p(self) -> float:
        """Exact p, were the sign of each picture's sum a coin's: McNemar's, of pictures and seeds.

        Equal to `p` where each question has a picture of its own.
        """
        return sign_flip_p([round(total) for total in self._cluster_sums()[0]])

    @cached_property
    def seed_p(self) -> float | None:
        """Student's p of the seeds' differences; None with one seed."""
        return student_p(self.by_seed) if len(self.by_seed) > 1 else None

    @property
    def decisive_p(self) -> float:
        """The larger of `cluster_p` and `seed_p`: neither questions nor seeds may explain it."""
        return max(self.cluster_p, self.seed_p or 0.0)

    @cached_property
    def bootstrap(self) -> Interval:
        """Percentile interval of the difference, pictures drawn again (2000 times, seeded)."""
        sums, sizes = self._cluster_sums()
        rng = generator(0, "bootstrap", *self.stream)
        return bootstrap_interval(sums / self.num_seeds, sizes, rng)

    @cached_property
    def clustering(self) -> float:
        """How many times the questions are needed that independent ones, asked once, would take.

        By the squares of the intervals' widths. More than 1 where answers about one picture hang
        together; less where several seeds answer, which are not as many new questions each.
        """
        flips = [1.0] * self.gained + [-1.0] * self.lost
        flips += [0.0] * (self.n * self.num_seeds - len(flips))
        alone = paired_difference(flips, range(len(flips))).interval
        both = self.difference.interval
        return ((both.high - both.low) / (alone.high - alone.low)) ** 2 / self.num_seeds

    def _cluster_sums(self) -> tuple[np.ndarray, np.ndarray]:
        """(clusters,) sums over seeds and (clusters,) numbers of questions."""
        _, places = np.unique(np.array(self.clusters), return_inverse=True)
        return np.bincount(places, np.array(self.sums, dtype=float)), np.bincount(places)


def paired(
    results: Sequence[tuple[Sequence[Result], Sequence[Result]]],
    *,
    stream: tuple[str, ...] = (),
) -> Paired:
    """The pair over its seeds: (base, other) judged answers by seed, all to the same questions."""
    seeds, n = len(results), len(results[0][0])
    clusters = clusters_of([result.prediction for result in results[0][0]])
    right = np.array([[[r.correct is True for r in one] for one in pair] for pair in results])
    changes = right[:, 1].astype(int) - right[:, 0].astype(int)  # (seeds, n)
    sums = changes.sum(axis=0)
    by_seed = [float(mean) for mean in changes.mean(axis=1)]
    return Paired(
        n=n,
        base_accuracy=float(right[:, 0].mean()),
        other_accuracy=float(right[:, 1].mean()),
        difference=paired_difference([float(total) / seeds for total in sums], clusters),
        gained=int((changes > 0).sum()),
        lost=int((changes < 0).sum()),
        num_seeds=seeds,
        seed_interval=paired_mean(by_seed).interval if seeds > 1 else None,
        by_seed=tuple(by_seed),
        sums=tuple(int(total) for total in sums),
        clusters=tuple(clusters),
        stream=stream,
    )


def paired_categories(
    results: Sequence[tuple[Sequence[Result], Sequence[Result]]], *, stream: tuple[str, ...]
) -> dict[str, Paired]:
    """The pair on all questions, as "Overall", and on those of each category, in their order."""
    categories = [result.prediction.category for result in results[0][0]]
    parts = {OVERALL: list(range(len(categories)))}
    for place, name in enumerate(categories):
        parts.setdefault(name, []).append(place)
    return {
        name: paired(
            [([b[i] for i in places], [o[i] for i in places]) for b, o in results],
            stream=(*stream, name),
        )
        for name, places in parts.items()
    }


def flips_of(base: Sequence[Result], other: Sequence[Result]) -> list[Flip]:
    """The questions that one of the two answers rightly."""
    return [
        Flip(b.prediction, o.prediction, is_gained=o.correct is True)
        for b, o in zip(base, other, strict=True)
        if (b.correct is True) != (o.correct is True)
    ]


def clusters_of(predictions: Sequence[Prediction]) -> list[str]:
    """What each question hangs together with: its picture; in a dialogue, that of the first turn.

    Answers about one picture, and later answers that follow earlier ones, are not independent.
    """
    first: dict[str, str] = {}
    return [
        first.setdefault(one.dialogue, one.picture) if one.dialogue else one.picture
        for one in predictions
    ]
