"""Says how much a judge disagrees with itself when it is asked the same again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lynx.evaluation.judges.base import Verdict
from lynx.evaluation.statistics import Interval, wilson


@dataclass(frozen=True)
class SelfAgreement:
    """Of n claims, each judged k >= 2 times; shares are of 1."""

    n: int
    k: int
    num_flipped: int  # claims whose k verdicts are not all the same
    interval: Interval  # Wilson's, of the share of such claims
    disagreement: float  # chance that two of a claim's verdicts differ
    kappa: float | None  # Fleiss'; None where every verdict is the same, which shows nothing
    accuracies: tuple[float, ...]  # share of right answers by each repeat alone

    @property
    def flip_rate(self) -> float:
        """Share of claims whose verdicts are not all the same."""
        return self.num_flipped / self.n


def self_agreement(verdicts: Sequence[Verdict]) -> SelfAgreement | None:
    """The figures, or None where claims were judged once; unparseable is a verdict of its own.

    Raises ValueError where claims were judged unequally often.
    """
    rows = [(verdict.correct, *verdict.repeats) for verdict in verdicts]
    sizes = {len(row) for row in rows}
    if len(sizes) > 1:
        raise ValueError(f"claims were judged {sorted(sizes)} times")
    if not rows or sizes == {1}:
        return None
    n, k = len(rows), len(rows[0])
    flipped = sum(len(set(row)) > 1 for row in rows)
    agreement = sum(_agreeing_pairs(row) for row in rows) / n
    return SelfAgreement(
        n=n,
        k=k,
        num_flipped=flipped,
        interval=wilson(flipped, n),
        disagreement=1 - agreement,
        kappa=fleiss_kappa(rows),
        accuracies=tuple(sum(row[i] is True for row in rows) / n for i in range(k)),
    )


def fleiss_kappa(rows: Sequence[Sequence[object]]) -> float | None:
    """Fleiss' kappa (1971); rows: per subject, the category that each of k >= 2 ratings chose.

    None where all ratings are of one category: chance alone then agrees always.
    """
    counts = Counter(rating for row in rows for rating in row)
    total = sum(counts.values())
    if len(counts) < 2:
        return None
    observed = sum(_agreeing_pairs(row) for row in rows) / len(rows)
    expected = sum((count / total) ** 2 for count in counts.values())
    return (observed - expected) / (1 - expected)


def _agreeing_pairs(row: Sequence[object]) -> float:
    """Share of the pairs of ratings of one subject that agree."""
    k = len(row)
    return sum(count * (count - 1) for count in Counter(row).values()) / (k * (k - 1))
