"""Mean scores, wins and agreement, against hand counts and published examples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lynx.evaluation.people.agreement import (
    agreement,
    agreement_of_pairs,
    coincidences,
    ordinal_alpha,
)
from lynx.evaluation.people.ratings import Ratings, ratings_of
from lynx.evaluation.people.statistics import mean_scores, wins, wins_by_rater
from lynx.evaluation.people.summary import summary_text
from tests.evaluation.people.sheets import make, make_store, rate_all


def ratings(**scores: list[tuple[int, ...]]) -> Ratings:
    """By rater, a tuple per question of the scores of "a", "b", ...; every picture its own."""
    number = max(map(len, scores.values()))
    models = "abcde"[: len(next(iter(scores.values()))[0])]
    return Ratings(
        "owleval",
        tuple(models),
        {str(q): f"picture {q}" for q in range(number)},
        {
            rater: {
                str(q): dict(zip(models, values, strict=True)) for q, values in enumerate(given)
            }
            for rater, given in scores.items()
        },
    )


# The example of Krippendorff's "Computing Krippendorff's Alpha-Reliability" (2011): four
# observers, twelve units, values missing; its ordinal alpha is 0.815.
_K = None
EXAMPLE = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, _K, _K, _K],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _K, 3],
    [_K, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _K],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _K],
]


def test_alpha_is_that_of_krippendorffs_own_example() -> None:
    units = [[v for v in unit if v is not None] for unit in zip(*EXAMPLE, strict=True)]
    matrix = coincidences(units)
    assert matrix.sum() == 40  # values that can be paired
    assert matrix[0].tolist() == pytest.approx([7, 4 / 3, 1 / 3, 1 / 3, 0])
    assert ordinal_alpha(matrix) == pytest.approx(0.815, abs=5e-4)


def test_alpha_is_one_for_perfect_agreement_and_undefined_without_any_difference() -> None:
    assert ordinal_alpha(coincidences([[1, 1], [5, 5], [3, 3, 3]])) == 1.0
    assert ordinal_alpha(coincidences([[3, 3], [3, 3]])) is None
    assert ordinal_alpha(coincidences([[1], [5]])) is None


def test_alpha_is_about_zero_for_scores_drawn_at_random() -> None:
    rng = np.random.default_rng(0)
    alpha = ordinal_alpha(coincidences(rng.integers(1, 6, size=(3000, 2)).tolist()))
    assert alpha == pytest.approx(0.0, abs=0.05)


def test_agreement_counts_answers_that_two_raters_have_scored() -> None:
    both = ratings(Ana=[(1, 5), (2, 4), (3, 1)], Ben=[(1, 5), (2, 3)])
    found = agreement(both)
    assert (found.raters, found.num_answers, found.equal_share) == (("Ana", "Ben"), 4, 0.75)
    assert found.alpha is not None and 0.8 < found.alpha < 1
    assert found.alpha_interval is not None and found.alpha_interval.contains(found.alpha)
    alone = agreement(both, ["Ana"])
    assert (alone.num_answers, alone.equal_share, alone.alpha) == (0, None, None)
    three = ratings(Ana=[(1, 5)], Ben=[(1, 5)], Cem=[(5, 1)])
    assert [(one.raters, one.equal_share) for one in agreement_of_pairs(three)] == [
        (("Ana", "Ben"), 1.0), (("Ana", "Cem"), 0.0), (("Ben", "Cem"), 0.0),
    ]  # fmt: skip


def test_means_pool_raters_by_question_and_put_the_best_first() -> None:
    # Ben rated only the first question: it counts once, with the mean of both.
    pooled = ratings(Ana=[(1, 5), (3, 4), (2, 4)], Ben=[(3, 4)])
    best, worst = mean_scores(pooled)
    assert (best.model, best.mean, best.num_questions, best.num_scores) == (
        "b", pytest.approx((4.5 + 4 + 4) / 3), 3, 4,
    )  # fmt: skip
    assert (worst.model, worst.mean) == ("a", pytest.approx((2 + 3 + 2) / 3))
    for one in (best, worst):
        assert one.interval is not None and one.interval.contains(one.mean or 0)


def test_an_interval_takes_the_questions_of_a_picture_together() -> None:
    values = [(1, 2), (1, 2), (5, 4), (5, 4)] * 5
    apart = ratings(Ana=values)
    together = Ratings(
        apart.benchmark,
        apart.models,
        {q: f"picture {int(q) // 2}" for q in apart.clusters},
        apart.scores,
    )

    def width(of: Ratings) -> float:
        interval = mean_scores(of)[0].interval
        assert interval is not None
        return interval.high - interval.low

    assert width(together) > 1.2 * width(apart)


def test_a_bootstrap_interval_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(100):
        scores = rng.integers(1, 6, size=82)
        interval = mean_scores(ratings(Ana=[(int(s),) for s in scores]))[0].interval
        assert interval is not None
        covered += interval.contains(3.0)
    assert 89 <= covered <= 99


def test_one_picture_gives_no_interval() -> None:
    one = ratings(Ana=[(4, 2)])
    assert mean_scores(one)[0].interval is None
    assert wins(one, "a", "b").verdict == "undecided"


def test_wins_are_counted_with_ties_and_tested_exactly() -> None:
    # Table 5, w/o diverse prompts: 18 of 82 won, here with no tie; p = 3e-7.
    paper = ratings(Ana=[(5, 4)] * 18 + [(1, 4)] * 64)
    found = wins(paper, "a", "b")
    assert (found.num_wins, found.num_ties, found.num_losses, found.num_all) == (18, 0, 64, 82)
    assert found.p == pytest.approx(3e-7, rel=0.2)
    assert found.verdict == "worse"
    assert wins(paper, "b", "a").verdict == "better"
    # w/ LLaMA: 42 of 82; p = .91.
    assert wins(ratings(Ana=[(5, 4)] * 42 + [(1, 4)] * 40), "a", "b").p == pytest.approx(
        0.91, abs=0.005
    )
    ties = wins(ratings(Ana=[(5, 4)] * 5 + [(3, 3)] * 7), "a", "b")
    assert (ties.num_wins, ties.num_ties, ties.num_all) == (5, 7, 12)
    assert ties.p == pytest.approx(2 / 2**5)
    assert wins(ratings(Ana=[(3, 3)] * 4), "a", "b").p == 1.0


def test_raters_who_disagree_evenly_make_a_tie() -> None:
    both = ratings(Ana=[(5, 1), (5, 4), (2, 1)], Ben=[(1, 5), (4, 4), (1, 2)])
    pooled = wins(both, "a", "b")
    assert (pooled.num_wins, pooled.num_ties, pooled.num_losses) == (1, 2, 0)
    ana, ben = wins_by_rater(both, "a", "b")
    assert (ana.rater, ana.num_wins, ana.num_all) == ("Ana", 3, 3)
    assert (ben.rater, ben.num_wins, ben.num_ties, ben.num_losses) == ("Ben", 0, 1, 2)


def test_only_questions_count_of_which_every_answer_is_scored(tmp_path: Path) -> None:
    store = make_store(tmp_path / "r.sqlite", make(silent={"third": ["2"]}))
    ana = store.add_rater("Ana")
    store.rate(ana, "1", "ours", 5, click="click-of-one")  # two answers of it have no score
    for model, value in (("ours", 4), ("theirs", 2)):  # third has no answer there
        store.rate(ana, "2", model, value, click=f"click-of-{model}")
    found = ratings_of(store)
    assert found.scores == {"Ana": {"2": {"ours": 4, "theirs": 2}}}
    assert found.num_unfinished == 1
    assert {one.model: one.mean for one in mean_scores(found)} == {
        "ours": 4.0, "theirs": 2.0, "third": None,
    }  # fmt: skip
    assert wins(found, "ours", "third").num_all == 0


def test_the_summary_says_who_rated_what_and_with_which_caution(tmp_path: Path) -> None:
    store = make_store(tmp_path / "r.sqlite", make(silent={"third": ["2"]}))
    assert "nobody has rated yet" in summary_text(store)
    assert "third: no answer to 1 questions, not rated there" in summary_text(store)
    rate_all(store, "Ana", {"1": [5, 3, 3], "3": [4, 2, 1]})
    assert "agreement: one rater, so unknown" in summary_text(store)
    rate_all(store, "Ben", {"1": [4, 3, 1], "4": [1, 2, 3]})
    text = summary_text(store)
    assert "rater Ana: 2 of 4 questions, ties: 1" in text
    assert "rater Ben: 2 of 4 questions, ties: 0" in text
    assert "can't be compared with other sets" in text
    assert "Ana and Ben: alpha" in text and "equal scores 33 % of 3 answers" in text
    cells = [line.split() for line in text.splitlines()]
    assert ["ours", "theirs", "all", "2/3", "0", "1", "1", "undecided"] in cells
