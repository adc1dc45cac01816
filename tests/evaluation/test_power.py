"""How many questions or seeds would settle a gap, held against simulated comparisons."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from lynx.evaluation.power import (
    mcnemar_power,
    questions_needed,
    seeds_needed,
    smallest_over_questions,
    smallest_over_seeds,
    student_power,
)
from lynx.evaluation.statistics import mcnemar_exact


@pytest.mark.parametrize(("gained", "lost", "n"), [(20, 10, 302), (3, 0, 302), (40, 10, 148)])
def test_with_the_questions_needed_four_of_five_experiments_find_the_gap(
    gained: int, lost: int, n: int
) -> None:
    needed = questions_needed(gained, lost, n)
    assert needed is not None
    rng = np.random.default_rng(0)
    up, down = gained / n, lost / n
    draws = rng.multinomial(needed, [up, down, 1 - up - down], size=4000)
    found = [mcnemar_exact(g, b) < 0.05 for g, b, _ in draws]
    assert np.mean(found) == pytest.approx(0.8, abs=0.03)


def test_the_power_of_a_small_test_is_that_of_all_its_outcomes() -> None:
    # Of six questions that all flip, only six to none has p < .05.
    assert mcnemar_power(6, gained=0.7, lost=0.3) == pytest.approx(0.7**6 + 0.3**6)
    assert mcnemar_power(5, gained=1.0, lost=0.0) == 0.0
    assert mcnemar_power(100, gained=0.0, lost=0.0) == 0.0


def test_the_needed_number_is_the_smallest_that_the_search_brackets() -> None:
    needed = questions_needed(20, 10, 302)
    assert needed is not None
    assert mcnemar_power(needed, gained=20 / 302, lost=10 / 302) >= 0.8
    assert mcnemar_power(needed - 1, gained=20 / 302, lost=10 / 302) < 0.8


def test_direction_does_not_matter_and_no_gap_needs_no_number() -> None:
    assert questions_needed(4, 11, 200) == questions_needed(11, 4, 200)
    assert questions_needed(7, 7, 100) is None
    assert questions_needed(0, 0, 100) is None
    assert questions_needed(1_000_001, 1_000_000, 4_000_000) is None


@pytest.mark.parametrize("by_seed", [[0.01, 0.02, 0.03], [0.0, 0.03, 0.01, 0.04], [0.02, -0.005]])
def test_with_the_seeds_needed_four_of_five_experiments_find_the_gap(by_seed: list[float]) -> None:
    needed = seeds_needed(by_seed)
    assert needed is not None
    mean, deviation = np.mean(by_seed), np.std(by_seed, ddof=1)
    rng = np.random.default_rng(0)
    p = ttest_1samp(rng.normal(mean, deviation, size=(4000, needed)), 0.0, axis=1).pvalue
    assert np.mean(p < 0.05) > 0.78
    assert student_power(needed - 1, mean=float(mean), deviation=float(deviation)) < 0.8


def test_seeds_that_agree_need_two_and_seeds_that_cancel_no_number() -> None:
    assert seeds_needed([0.02, 0.02, 0.02]) == 2
    assert seeds_needed([0.02, -0.02]) is None


def test_a_difference_of_the_resolved_size_is_found_four_times_of_five() -> None:
    rng = np.random.default_rng(0)
    size = smallest_over_questions(0.01)
    assert np.mean(np.abs(rng.normal(size, 0.01, 20_000)) > 1.96 * 0.01) == pytest.approx(
        0.8, abs=0.01
    )
    by_seed = [0.01, 0.02, 0.04]
    mean, deviation = smallest_over_seeds(by_seed), float(np.std(by_seed, ddof=1))
    p = ttest_1samp(rng.normal(mean, deviation, size=(20_000, 3)), 0.0, axis=1).pvalue
    assert np.mean(p < 0.05) == pytest.approx(0.8, abs=0.01)
