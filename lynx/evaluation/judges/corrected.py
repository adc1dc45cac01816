"""Corrects a share of right answers for the known errors of the judge that counted them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lynx.evaluation.statistics import Z95, Interval


@dataclass(frozen=True)
class Corrected:
    """The share that the trusted judge would have found; of 1."""

    value: float
    interval: Interval


def rogan_gladen(
    apparent: tuple[int, int],
    *,
    sensitivity: tuple[int, int],
    specificity: tuple[int, int],
) -> Corrected | None:
    """Rogan and Gladen's estimate (1978) with the interval of Lang and Reiczigel (2014).

    Each argument is a count and its n: answers called right of all; answers called right of those
    that are; answers not called right of those that are not. The interval takes the three for
    independent; where they rest on the same answers it is somewhat too wide. None where one has no
    answers, or the judge calls right answers right no more often than wrong ones.
    """
    if 0 in (apparent[1], sensitivity[1], specificity[1]):
        return None
    p, se, sp = (count / n for count, n in (apparent, sensitivity, specificity))
    if se + sp <= 1:
        return None
    value = min(1.0, max(0.0, (p + sp - 1) / (se + sp - 1)))
    n = apparent[1] + Z95**2
    p = (apparent[0] + Z95**2 / 2) / n
    num_right, num_wrong = sensitivity[1] + 2, specificity[1] + 2
    se, sp = (sensitivity[0] + 1) / num_right, (specificity[0] + 1) / num_wrong
    if se + sp <= 1:
        return None
    centre = (p + sp - 1) / (se + sp - 1)
    of_se, of_sp = se * (1 - se) / num_right, sp * (1 - sp) / num_wrong
    shift = 2 * Z95**2 * (centre * of_se - (1 - centre) * of_sp)
    variance = p * (1 - p) / n + centre**2 * of_se + (1 - centre) ** 2 * of_sp
    half = Z95 * math.sqrt(variance) / (se + sp - 1)
    low, high = centre + shift - half, centre + shift + half
    return Corrected(value, Interval(_of_one(min(low, value)), _of_one(max(high, value))))


def _of_one(share: float) -> float:
    return min(1.0, max(0.0, share))
