"""Compares two judges, or a judge with people, on the same answers.

`95 of 100` alone says little: its Wilson interval is [88.8, 97.8] %, and with few wrong answers a
judge that always says yes reaches it as well, which only kappa shows.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from lynx.evaluation.judges.corrected import Corrected, rogan_gladen
from lynx.evaluation.statistics import Z95, Interval, wilson

Correct = bool | None  # None: unparseable
CHOICES: tuple[Correct, ...] = (True, False, None)


@dataclass(frozen=True)
class Pair:
    """Two verdicts on one answer."""

    id: str
    category: str  # "" where not known
    answer_type: str  # of the ground truth; "" where not known
    a: Correct
    b: Correct


@dataclass(frozen=True)
class Share:
    """A count of n with Wilson's interval; shares are of 1."""

    count: int
    n: int
    interval: Interval

    @property
    def value(self) -> float | None:
        """None where n is 0."""
        return self.count / self.n if self.n else None


@dataclass(frozen=True)
class Kappa:
    """Cohen's kappa and its interval."""

    value: float
    interval: Interval


@dataclass(frozen=True)
class Agreement:
    """How far A agrees with B. Unparseable is a verdict of its own, and for A a "not right"."""

    confusion: dict[tuple[Correct, Correct], int]  # by A's and B's verdict
    agreement: Share  # the same verdict
    kappa: Kappa | None  # None where chance alone would always agree
    sensitivity: Share  # A says right, of those that B says are right
    specificity: Share  # A does not say right, of those that B says are wrong


@dataclass(frozen=True)
class Report:
    """A and B on the answers that both judged, and what A's score becomes when B is the truth."""

    overall: Agreement
    by_type: dict[str, Agreement]
    by_category: dict[str, Agreement]
    apparent: Share  # right by A, of all that A judged
    corrected: Corrected | None  # None where A's verdicts tell nothing about B's


def report(pairs: Sequence[Pair], *, all_of_a: Iterable[Correct]) -> Report:
    """The full comparison; all_of_a: A's verdicts, also on answers that B didn't judge."""
    verdicts = list(all_of_a)
    overall = agreement(pairs)
    right = sum(verdict is True for verdict in verdicts)
    return Report(
        overall=overall,
        by_type=_grouped(pairs, lambda pair: pair.answer_type),
        by_category=_grouped(pairs, lambda pair: pair.category),
        apparent=_share(right, len(verdicts)),
        corrected=rogan_gladen(
            (right, len(verdicts)),
            sensitivity=(overall.sensitivity.count, overall.sensitivity.n),
            specificity=(overall.specificity.count, overall.specificity.n),
        ),
    )


def agreement(pairs: Sequence[Pair]) -> Agreement:
    """Of one group of answers."""
    counts = Counter((pair.a, pair.b) for pair in pairs)
    confusion = {(a, b): counts[a, b] for a in CHOICES for b in CHOICES}
    positives = sum(confusion[a, True] for a in CHOICES)
    negatives = sum(confusion[a, False] for a in CHOICES)
    return Agreement(
        confusion=confusion,
        agreement=_share(sum(confusion[c, c] for c in CHOICES), len(pairs)),
        kappa=cohen_kappa(confusion),
        sensitivity=_share(confusion[True, True], positives),
        specificity=_share(confusion[False, False] + confusion[None, False], negatives),
    )


def cohen_kappa(confusion: dict[tuple[Correct, Correct], int]) -> Kappa | None:
    """Cohen's kappa with the large-sample interval of Fleiss, Cohen and Everitt (1969).

    That interval has no width where all verdicts agree; Wilson's interval of the agreement then
    gives its lower end. None without answers, or where both judges always give the same verdict.
    """
    n = sum(confusion.values())
    if n == 0:
        return None
    share = {cell: count / n for cell, count in confusion.items()}
    rows = {c: sum(share[c, d] for d in CHOICES) for c in CHOICES}  # of A
    columns = {c: sum(share[d, c] for d in CHOICES) for c in CHOICES}  # of B
    observed = sum(share[c, c] for c in CHOICES)
    expected = sum(rows[c] * columns[c] for c in CHOICES)
    if math.isclose(expected, 1.0):
        return None
    kappa = (observed - expected) / (1 - expected)
    spread = sum(share[c, c] * (1 - (rows[c] + columns[c]) * (1 - kappa)) ** 2 for c in CHOICES)
    spread += (1 - kappa) ** 2 * sum(
        share[c, d] * (columns[c] + rows[d]) ** 2 for c in CHOICES for d in CHOICES if c != d
    )
    spread -= (kappa - expected * (1 - kappa)) ** 2
    half = Z95 * math.sqrt(max(spread, 0.0) / n) / (1 - expected)
    low = kappa - half
    if math.isclose(observed, 1.0):
        low = (wilson(n, n).low - expected) / (1 - expected)
    return Kappa(kappa, Interval(max(-1.0, low), min(1.0, kappa + half)))


def _grouped(pairs: Sequence[Pair], name: Callable[[Pair], str]) -> dict[str, Agreement]:
    """By a name, in order of appearance; those without one are left out."""
    names = dict.fromkeys(name(pair) for pair in pairs if name(pair))
    return {one: agreement([pair for pair in pairs if name(pair) == one]) for one in names}


def _share(count: int, n: int) -> Share:
    return Share(count, n, wilson(count, n))
