"""Two judges compared on the same answers, against published figures and simulation."""

from __future__ import annotations

import numpy as np
import pytest

from lynx.config.seeds import generator
from lynx.evaluation.judges.agreement import (
    CHOICES,
    Correct,
    Pair,
    agreement,
    cohen_kappa,
    report,
)
from lynx.evaluation.judges.answer_types import answer_type
from lynx.evaluation.judges.corrected import rogan_gladen


def _pairs(counts: dict[tuple[Correct, Correct], int], kind: str = "open") -> list[Pair]:
    cells = [cell for cell, count in counts.items() for _ in range(count)]
    return [Pair(f"{kind}{i}", kind, kind, *cell) for i, cell in enumerate(cells)]


def _table(counts: list[list[int]]) -> dict[tuple[Correct, Correct], int]:
    return {(a, b): counts[i][j] for i, a in enumerate(CHOICES) for j, b in enumerate(CHOICES)}


def test_95_of_100_are_a_wilson_interval_from_88_8_to_97_8() -> None:
    found = agreement(_pairs({(True, True): 60, (False, False): 35, (True, False): 5}))
    assert found.agreement.count == 95
    interval = found.agreement.interval
    assert (round(100 * interval.low, 1), round(100 * interval.high, 1)) == (88.8, 97.8)


def test_the_same_agreement_can_be_worth_much_or_nothing() -> None:
    balanced = agreement(_pairs({(True, True): 48, (False, False): 47, (True, False): 5}))
    one_sided = agreement(_pairs({(True, True): 95, (True, False): 5}))
    assert balanced.kappa is not None and one_sided.kappa is not None
    assert balanced.kappa.value > 0.85
    assert one_sided.kappa.value == pytest.approx(0.0)


def test_kappa_and_its_error_are_those_of_the_published_example() -> None:
    # Fleiss, Cohen and Everitt (1969), two raters of 200: kappa .429, variance .002885.
    found = cohen_kappa(_table([[106, 10, 4], [22, 28, 10], [2, 12, 6]]))
    assert found is not None
    assert found.value == pytest.approx(0.429, abs=5e-4)
    assert (found.interval.high - found.interval.low) / 2 / 1.95996 == pytest.approx(
        0.0535, abs=1e-3
    )


def test_kappa_covers_its_true_value_about_as_often_as_it_says() -> None:
    shares = np.array([0.5, 0.06, 0.02, 0.05, 0.3, 0.02, 0.01, 0.02, 0.02])
    truth = cohen_kappa(_table((1e6 * shares).astype(int).reshape(3, 3).tolist()))
    assert truth is not None
    rng, covered = generator(0, "kappa"), 0
    for _ in range(400):
        found = cohen_kappa(_table(rng.multinomial(200, shares).reshape(3, 3).tolist()))
        assert found is not None
        covered += found.interval.contains(truth.value)
    assert 0.92 <= covered / 400 <= 0.98


def test_full_agreement_on_few_answers_is_not_called_certain() -> None:
    kappa = agreement(_pairs({(True, True): 5, (False, False): 5})).kappa
    assert kappa is not None
    assert kappa.value == 1.0
    assert kappa.interval.low < 0.5


@pytest.mark.parametrize("counts", [{}, {(True, True): 9}])
def test_kappa_is_undefined_where_chance_would_always_agree(
    counts: dict[tuple[Correct, Correct], int],
) -> None:
    assert agreement(_pairs(counts)).kappa is None


def test_unparseable_is_a_verdict_of_its_own_and_no_yes() -> None:
    found = agreement(
        _pairs(
            {(None, True): 2, (True, True): 8, (None, False): 3, (False, None): 1, (None, None): 1}
        )
    )
    assert found.confusion[None, True] == 2
    assert (found.agreement.count, found.agreement.n) == (9, 15)
    assert (found.sensitivity.count, found.sensitivity.n) == (8, 10)
    assert (found.specificity.count, found.specificity.n) == (3, 3)


def test_groups_are_by_type_of_answer_and_by_category() -> None:
    pairs = _pairs({(True, True): 3}, "number") + _pairs({(True, False): 2}, "yes/no")
    found = report(pairs, all_of_a=[pair.a for pair in pairs])
    assert list(found.by_type) == list(found.by_category) == ["number", "yes/no"]
    assert found.by_type["yes/no"].agreement.value == 0.0
    assert found.by_type["number"].agreement.value == 1.0


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("yes", "yes/no"), ("No.", "yes/no"), ("yes or no", "yes/no"), ("3", "number"),
        ("two", "number"), ("two or 3", "number"), ("two dogs", "open"), ("red", "open"),
        ("red or 2", "open"), ("", "open"), ("no, it is red", "yes/no"), ("none", "open"),
    ],
)  # fmt: skip
def test_the_type_of_an_answer(answer: str, expected: str) -> None:
    assert answer_type(answer) == expected


def test_a_score_is_corrected_to_what_the_truth_would_have_counted() -> None:
    # 1000 answers, 600 right; the judge finds 90 % of the right and 80 % of the wrong ones.
    found = rogan_gladen((540 + 80, 1000), sensitivity=(90, 100), specificity=(80, 100))
    assert found is not None
    assert found.value == pytest.approx(0.6)
    assert found.interval.low < 0.55 and found.interval.high > 0.65


def test_where_both_judged_everything_the_corrected_score_is_bs_own() -> None:
    pairs = _pairs({(True, True): 50, (True, False): 8, (False, True): 4, (False, False): 38})
    found = report(pairs, all_of_a=[pair.a for pair in pairs])
    assert found.corrected is not None
    assert found.corrected.value == pytest.approx(0.54)
    assert found.apparent.value == pytest.approx(0.58)


@pytest.mark.parametrize(
    ("sensitivity", "specificity"), [((50, 100), (50, 100)), ((0, 0), (9, 10)), ((9, 10), (0, 0))]
)
def test_a_judge_that_tells_nothing_corrects_nothing(
    sensitivity: tuple[int, int], specificity: tuple[int, int]
) -> None:
    assert rogan_gladen((5, 10), sensitivity=sensitivity, specificity=specificity) is None


def test_the_corrected_interval_covers_the_true_share_about_as_often_as_it_says() -> None:
    rng, covered = generator(0, "corrected"), 0
    for _ in range(1000):
        found = rogan_gladen(
            (int(rng.binomial(302, 0.7 * 0.92 + 0.3 * 0.1)), 302),
            sensitivity=(int(rng.binomial(70, 0.92)), 70),
            specificity=(int(rng.binomial(30, 0.9)), 30),
        )
        assert found is not None
        covered += found.interval.contains(0.7)
    assert 0.93 <= covered / 1000 <= 0.99
