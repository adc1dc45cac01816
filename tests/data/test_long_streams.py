"""The order of the paper's `instruct` recipe over long stretches: ratios, cycles, seeking."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy.stats import chi2

from lynx.config.recipe_files import load_recipe
from lynx.data.stream import MixPlan

WEIGHTS = {name: float(weight) for name, weight in load_recipe("instruct").weights.items()}
SHARES = np.array(list(WEIGHTS.values())) / sum(WEIGHTS.values())
FAR = 10**9


@pytest.fixture(scope="module")
def plan() -> MixPlan:
    sizes = dict.fromkeys(WEIGHTS, 1_000_000)
    return MixPlan(weights=WEIGHTS, sizes=sizes, seed=0, name="instruct")


def counts_until(plan: MixPlan, position: int) -> np.ndarray:
    return np.array(list(plan.counts(position).values()))


@pytest.mark.parametrize(("start", "length"), [(0, 1_000_000), (FAR - 5_000, 10_000)])
def test_at_every_prefix_each_source_is_within_two_samples_of_its_share(
    plan: MixPlan, start: int, length: int
) -> None:
    drawn = np.fromiter((plan.draw(start + n).source for n in range(length)), np.int32, length)
    positions = start + np.arange(1, length + 1)
    before = counts_until(plan, start)
    for source, share in enumerate(SHARES):
        counts = before[source] + np.cumsum(drawn == source)
        assert np.abs(counts - share * positions).max() <= 2
    assert (
        counts_until(plan, start + length).tolist()
        == (before + np.bincount(drawn, minlength=len(SHARES))).tolist()
    )


def test_every_cycle_is_exact(plan: MixPlan) -> None:
    cycle = np.array(plan.cycle_counts)
    for number in (1, 2, 3, 10, 10_000):
        assert (counts_until(plan, number * cycle.sum()) == number * cycle).all()
    shares = cycle / cycle.sum()
    np.testing.assert_allclose(shares, SHARES, rtol=1e-12)  # no weight had to be rounded


@pytest.mark.parametrize("length", [10_000, 1_000_000, FAR])
def test_chi_square_is_far_below_that_of_chance(plan: MixPlan, length: int) -> None:
    expected = SHARES * length
    statistic = float((((counts_until(plan, length) - expected) ** 2) / expected).sum())
    assert chi2.cdf(statistic, df=len(SHARES) - 1) < 1e-6  # drawing by chance is as even as this


def test_a_draw_at_a_billion_takes_no_time(plan: MixPlan) -> None:
    plan.draw(0)
    began = time.process_time()
    plan.draw(FAR + 7)
    assert time.process_time() - began < 0.05
