"""Intervals and tests against published values, scipy, and simulated coverage."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from scipy.stats import binomtest, ttest_1samp

from lynx.config.seeds import generator
from lynx.evaluation.statistics import (
    Z95,
    bootstrap_interval,
    clustered_mean,
    holm,
    mcnemar_exact,
    mcnemar_mid_p,
    paired_difference,
    paired_mean,
    sign_flip_p,
    student_p,
    wilson,
)


@pytest.mark.parametrize(("correct", "n"), [(0, 10), (95, 100), (230, 302), (20, 20), (1, 1)])
def test_wilson_equals_scipys(correct: int, n: int) -> None:
    expected = binomtest(correct, n).proportion_ci(method="wilson")
    got = wilson(correct, n)
    assert (got.low, got.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_of_the_papers_judge_agreement_is_the_published_interval() -> None:
    interval = wilson(95, 100)
    assert (round(interval.low, 3), round(interval.high, 3)) == (0.888, 0.978)


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (0, 5), (12, 3), (40, 41), (7, 7)])
def test_mcnemar_equals_the_binomial_test(gained: int, lost: int) -> None:
    flips = gained + lost
    expected = binomtest(gained, flips, 0.5).pvalue if flips else 1.0
    assert mcnemar_exact(gained, lost) == pytest.approx(expected)


def test_two_questions_of_302_can_never_be_significant() -> None:
    assert mcnemar_exact(0, 2) == 0.5  # the paper's w/o diverse prompts against Ours


def test_with_one_seed_the_paired_interval_is_bonett_and_prices() -> None:
    gained, lost, n = 15, 6, 80
    differences = [1.0] * gained + [-1.0] * lost + [0.0] * (n - gained - lost)
    got = paired_difference(differences, range(n))
    up, down = (gained + 1) / (n + 2), (lost + 1) / (n + 2)
    half = Z95 * math.sqrt((up + down - (up - down) ** 2) / (n + 2))
    assert got.value == pytest.approx((gained - lost) / n)
    assert got.interval.low == pytest.approx(up - down - half)
    assert got.interval.high == pytest.approx(up - down + half)


def test_no_flips_leave_an_interval_around_zero() -> None:
    got = paired_difference([0.0] * 50, range(50))
    assert got.value == 0.0
    assert got.interval.low < 0 < got.interval.high


def test_questions_about_the_same_picture_widen_the_interval() -> None:
    differences = [1.0] * 8 + [0.0] * 32
    apart = paired_difference(differences, range(40))
    together = paired_difference(differences, [i // 8 for i in range(40)])
    assert together.half_width > 1.5 * apart.half_width


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("number", [1, 2, 40])
def test_questions_about_one_picture_decide_nothing(number: int, share: float) -> None:
    gained = round(share * number)
    differences = [1.0] * gained + [0.0] * (number - gained)
    got = paired_difference(differences, ["the picture"] * number)
    assert got.interval.low < 0 < got.interval.high


def test_the_clustered_interval_has_the_invented_pictures_and_the_correction_for_few() -> None:
    differences, pictures = [1.0, 1.0, 0.0, 0.0, 0.0, -1.0], [0, 0, 0, 0, 1, 1]
    got = paired_difference(differences, pictures)
    mean = 1 / 12  # two invented pictures of three questions: +3 and -3
    sums = [2 - 4 * mean, -1 - 2 * mean, 3 - 3 * mean, -3 - 3 * mean]
    half = Z95 * math.sqrt(4 / 3 * 11 / 12 * sum(s * s for s in sums)) / 12
    assert got.interval.low == pytest.approx(mean - half)
    assert got.interval.high == pytest.approx(mean + half)


@pytest.mark.parametrize(("num_pictures", "questions_each"), [(3, 10), (10, 8), (40, 4)])
def test_the_clustered_interval_covers_the_truth_where_answers_hang_together(
    num_pictures: int, questions_each: int
) -> None:
    rng = np.random.default_rng(0)
    pictures = [i // questions_each for i in range(num_pictures * questions_each)]
    covered = []
    for _ in range(1000):
        of_picture = rng.choice([1.0, -1.0, 0.0], size=num_pictures, p=[0.5, 0.1, 0.4])
        got = paired_difference([float(of_picture[i]) for i in pictures], pictures)
        covered.append(got.interval.contains(0.4))
    assert np.mean(covered) > 0.93


def test_the_paired_interval_covers_the_truth_in_about_95_of_100_worlds() -> None:
    rng = np.random.default_rng(0)
    covered = [
        paired_difference(
            rng.choice([1.0, -1.0, 0.0], size=60, p=[0.15, 0.05, 0.8]).tolist(), range(60)
        ).interval.contains(0.10)
        for _ in range(2000)
    ]
    assert 0.93 < np.mean(covered) < 0.98


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (0, 6), (12, 3), (8, 7)])
def test_mid_p_takes_half_of_what_was_seen(gained: int, lost: int) -> None:
    flips = gained + lost
    seen = math.comb(flips, gained) / 2**flips
    below_seen = sum(math.comb(flips, k) for k in range(min(gained, lost))) / 2**flips
    assert mcnemar_mid_p(gained, lost) == pytest.approx(2 * below_seen + seen)
    assert mcnemar_mid_p(gained, lost) <= mcnemar_exact(gained, lost)


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (1, 0), (0, 6), (12, 3), (40, 30)])
def test_a_question_in_each_cluster_makes_the_sign_flip_test_mcnemars(
    gained: int, lost: int
) -> None:
    assert sign_flip_p([1] * gained + [-1] * lost + [0] * 5) == pytest.approx(
        mcnemar_exact(gained, lost)
    )


@pytest.mark.parametrize("sums", [[3, -1, 2, 0, 2], [5, 5], [-4, 1, 1, 1], [2, -2]])
def test_the_sign_flip_test_counts_all_choices_of_signs(sums: list[int]) -> None:
    totals = [
        abs(sum(s * sign for s, sign in zip(sums, signs, strict=True)))
        for signs in product((1, -1), repeat=len(sums))
    ]
    expected = np.mean([total >= abs(sum(sums)) for total in totals])
    assert sign_flip_p(sums) == pytest.approx(expected)


def test_ten_questions_gained_about_one_picture_are_one_piece_of_evidence() -> None:
    assert sign_flip_p([10]) == 1.0
    assert sign_flip_p([1] * 10) < 0.01


def test_students_p_is_scipys() -> None:
    values = [0.03, 0.01, 0.02, -0.01]
    assert student_p(values) == pytest.approx(ttest_1samp(values, 0.0).pvalue)
    assert (student_p([0.0, 0.0]), student_p([0.25, 0.25])) == (1.0, 0.0)


def test_holms_p_grow_with_rank_and_never_fall() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_the_bootstrap_draws_pictures_and_is_the_same_every_time() -> None:
    values = np.array([1.0] * 15 + [-1.0] * 6 + [0.0] * 59)
    alone, ones = np.ones(80), np.ones(8)
    first, again = (bootstrap_interval(values, alone, generator(0, "x")) for _ in range(2))
    assert first == again
    analytic = paired_difference(values.tolist(), range(80)).interval
    assert first.low == pytest.approx(analytic.low, abs=0.03)
    assert first.high == pytest.approx(analytic.high, abs=0.03)
    sums = np.array([10.0, 10.0, -10.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    together = bootstrap_interval(sums, 10 * ones, generator(0, "x"))
    assert together.high - together.low > 2 * (first.high - first.low)


def test_the_bootstrap_covers_the_truth_in_about_95_of_100_worlds() -> None:
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(300):
        of_picture = rng.choice([3.0, -3.0, 0.0], size=60, p=[0.3, 0.1, 0.6])
        got = bootstrap_interval(of_picture, np.full(60, 3.0), rng, num_resamples=400)
        covered.append(got.contains(0.2))
    assert 0.9 < np.mean(covered) < 0.99


def test_a_mean_over_clusters_of_one_is_students() -> None:
    values = [2.0, 5.0, -1.0, 0.5]
    alone = clustered_mean(values, range(4))
    assert (alone.interval.low, alone.interval.high) == pytest.approx(
        (paired_mean(values).interval.low, paired_mean(values).interval.high)
    )
    assert clustered_mean(values, [0, 0, 0, 0]).interval.high == math.inf
