"""Bradley-Terry: known strengths come back, intervals cover, and lost causes stay finite."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from scipy.optimize import minimize

from lynx.evaluation.head_to_head.bradley_terry import CENTRE, POINTS, Data, data_of, rate

_STRENGTHS = {"weak": -1.0, "middle": 0.2, "strong": 0.8}


def _drawn(num: int, seed: int, *, length_effect: float = 0.0) -> tuple[list, list]:
    rng = random.Random(seed)
    battles, lengths = [], []
    for number in range(num):
        a, b = rng.sample(list(_STRENGTHS), 2)
        words = (rng.randint(5, 200), rng.randint(5, 200))
        edge = _STRENGTHS[a] - _STRENGTHS[b] + length_effect * math.log(words[0] / words[1])
        score = float(rng.random() < 1 / (1 + math.exp(-edge)))
        battles.append((a, b, score, f"q{number % (num // 3)}"))
        lengths.append(words)
    return battles, lengths


def _slow_fit(data: Data) -> np.ndarray:
    """Ratings by a general optimizer."""

    def loss(x: np.ndarray) -> float:
        z = x[data.first] - x[data.second]
        return float(-(data.score * z - np.logaddexp(0, z)).sum())

    x = minimize(loss, np.zeros(len(data.names)), options={"gtol": 1e-7}).x
    return CENTRE + POINTS * (x - x.mean())


def test_known_strengths_are_found_again() -> None:
    battles, _ = _drawn(6000, 0)
    rated = rate(data_of(battles), num_resamples=20)
    assert rated is not None and rated.is_mle
    for name, value in zip(rated.names, rated.values, strict=True):
        assert value == pytest.approx(CENTRE + POINTS * _STRENGTHS[name], abs=20)


def test_the_fit_is_the_maximum_of_the_likelihood_with_ties_as_half_wins() -> None:
    battles = [(a, b, random.Random(i).choice([1.0, 0.5, 0.0]), c)
               for i, (a, b, _, c) in enumerate(_drawn(300, 1)[0])]  # fmt: skip
    data = data_of(battles)
    rated = rate(data, num_resamples=2)
    assert rated is not None
    assert rated.values == pytest.approx(_slow_fit(data), abs=1e-3)
    # One number by hand: of two models, three wins to one are odds of three.
    two = rate(data_of([("x", "y", s, str(s)) for s in (1.0, 1.0, 0.5, 0.5)]), num_resamples=2)
    assert two is not None
    assert two.values[0] - two.values[1] == pytest.approx(400 * math.log10(3))


def test_the_order_of_battles_and_of_the_two_names_plays_no_part() -> None:
    battles, _ = _drawn(200, 2)
    turned = [(b, a, 1 - score, c) for a, b, score, c in reversed(battles)]
    one, other = (rate(data_of(rows), num_resamples=2) for rows in (battles, turned))
    assert one is not None and other is not None
    values = dict(zip(other.names, other.values, strict=True))
    assert one.values == pytest.approx([values[name] for name in one.names])


def test_intervals_of_many_draws_cover_the_truth_about_as_often_as_they_say() -> None:
    covered = 0
    for seed in range(20):
        rated = rate(data_of(_drawn(240, 100 + seed)[0]), num_resamples=60, seed=seed)
        assert rated is not None
        estimate = rated.estimate(["strong"])
        covered += estimate.low <= CENTRE + POINTS * _STRENGTHS["strong"] <= estimate.high
    assert covered >= 17  # of 20; 19 expected


def test_battles_on_one_instruction_are_drawn_together() -> None:
    # Ten copies of every battle say nothing new: clustered, the interval stays as wide.
    battles, _ = _drawn(240, 3)
    alone = rate(data_of(battles), num_resamples=100)
    copied = rate(data_of([one for one in battles for _ in range(10)]), num_resamples=100)
    apart = rate(
        data_of([(a, b, s, f"{c}/{i}") for a, b, s, c in battles for i in range(10)]),
        num_resamples=100,
    )
    assert alone is not None and copied is not None and apart is not None
    widths = [(e.high - e.low) for e in (r.estimate(["weak"]) for r in (alone, copied, apart))]
    assert widths[1] == pytest.approx(widths[0], rel=0.01)
    assert widths[2] < widths[0] / 2


def test_a_rank_counts_only_models_that_are_surely_better() -> None:
    battles, _ = _drawn(3000, 4)
    rated = rate(data_of(battles), num_resamples=200)
    assert rated is not None
    assert rated.ranks() == {"strong": 1, "middle": 2, "weak": 3}
    few = rate(data_of(battles[:24]), num_resamples=200)
    assert few is not None
    assert few.ranks()["middle"] == few.ranks()["strong"] == 1


def test_a_model_that_never_lost_stays_finite_and_says_so() -> None:
    rated = rate(data_of([("x", "y", 1.0, str(i)) for i in range(60)]), num_resamples=50)
    assert rated is not None
    assert not rated.is_mle and rated.num_penalised == 50
    winner = rated.estimate(["x"])
    assert winner.low < winner.value < winner.high  # not the width of resamples that are all alike
    assert rated.ranks() == {"x": 1, "y": 2}
    short = rate(data_of([("x", "y", 1.0, str(i)) for i in range(3)]), num_resamples=50)
    assert short is not None
    assert short.ranks() == {"x": 1, "y": 1}  # three wins prove little


def test_two_groups_that_never_met_are_not_ranked_by_chance() -> None:
    rows = [("a", "b", float(i % 2), str(i)) for i in range(40)]
    rows += [("c", "d", float(i % 2), str(i)) for i in range(40)]
    rated = rate(data_of(rows), num_resamples=50)
    assert rated is not None
    assert not rated.is_mle
    assert rated.values == pytest.approx([CENTRE] * 4)


def test_the_pull_of_length_is_told_apart_from_strength() -> None:
    battles, lengths = _drawn(6000, 5, length_effect=0.7)
    rated = rate(data_of(battles, lengths), num_resamples=50)
    assert rated is not None and rated.slope is not None
    assert rated.slope.low < 0.7 < rated.slope.high
    assert rated.slope.value == pytest.approx(0.7, abs=0.1)
    for name, value in zip(rated.names, rated.values, strict=True):
        assert value == pytest.approx(CENTRE + POINTS * _STRENGTHS[name], abs=20)


def test_a_model_that_only_writes_more_loses_its_lead_at_equal_length() -> None:
    rng = random.Random(6)
    battles, lengths = [], []
    for number in range(2000):  # equally good, but the judge likes length and "wordy" has it
        words = (rng.randint(60, 200), rng.randint(20, 120))
        won = rng.random() < 1 / (1 + math.exp(-math.log(words[0] / words[1])))
        battles.append(("wordy", "terse", float(won), str(number)))
        lengths.append(words)
    plain = rate(data_of(battles), num_resamples=50)
    level = rate(data_of(battles, lengths), num_resamples=50)
    assert plain is not None and level is not None
    assert plain.estimate(["wordy"]).low > CENTRE + 30
    assert level.estimate(["wordy"]).value == pytest.approx(CENTRE, abs=25)


@pytest.mark.parametrize("wins", ["by chance", "the longer"])
def test_a_length_effect_that_the_battles_cannot_tell_is_not_reported(wins: str) -> None:
    rng = random.Random(8)
    rows, lengths = [], []
    for number in range(60):
        if wins == "by chance":  # but each model's answers are all of one length
            words, score = (9, 4), float(rng.random() < 0.6)
        else:
            words = (9, 4) if number % 2 else (4, 9)
            score = float(words[0] > words[1])
        rows.append(("x", "y", score, str(number)))
        lengths.append(words)
    assert rate(data_of(rows, lengths), num_resamples=5) is None


@pytest.mark.parametrize("num", [1, 5])
def test_resamples_that_are_all_alike_do_not_make_a_rating_certain(num: int) -> None:
    ratings = rate(data_of([("x", "y", 0.5, str(i)) for i in range(num)]), num_resamples=50)
    assert ratings is not None and ratings.is_mle
    estimate = ratings.estimate(["x"])
    assert estimate.value == pytest.approx(1000)
    assert estimate.low < 950 and estimate.high > 1050


def test_an_interval_holds_its_rating_with_the_fewest_instructions() -> None:
    for seed in range(40):
        rng = np.random.default_rng(seed)
        fought = [("x", "y", float(rng.choice([0, 0.5, 1])), str(i)) for i in range(3)]
        ratings = rate(data_of(fought), num_resamples=20, seed=seed)
        assert ratings is not None
        one = ratings.estimate(["x"])
        assert one.low <= one.value <= one.high
