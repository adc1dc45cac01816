"""The rules about equal scores."""

from __future__ import annotations

import pytest

from lynx.config.errors import LynxError
from lynx.evaluation.people.tie_rules import TieRules, num_ties


def refusal(others: list[int], score: int, *, elsewhere: int = 0, **rules: int) -> str | None:
    named = {str(place): other for place, other in enumerate(others)}
    return TieRules(**rules).refusal(named, score, num_ties_elsewhere=elsewhere)


def test_two_answers_may_be_equal_and_a_third_may_not() -> None:
    assert refusal([3], 3) is None
    assert refusal([3, 3], 4) is None
    assert "3 answers would have the score 3; at most 2" in str(refusal([3, 3], 3))
    assert refusal([3, 3], 3, max_equal=3) is None


def test_two_pairs_of_one_question_are_two_ties() -> None:
    assert num_ties([4, 4, 2, 2, 1]) == 2
    assert num_ties([3, 3, 3]) == 2
    assert num_ties([1, 2, 3]) == num_ties([]) == 0
    assert refusal([4, 4, 2], 2) is None
    assert "tie number 2" in str(refusal([4, 4, 2], 2, max_ties=1))


def test_the_eleventh_tie_of_a_rater_is_refused() -> None:
    assert refusal([3], 3, elsewhere=9) is None
    assert "tie number 11; at most 10" in str(refusal([3], 3, elsewhere=10))
    assert refusal([3], 4, elsewhere=10) is None


def test_a_score_that_makes_no_new_tie_is_taken_whatever_there_is() -> None:
    assert refusal([3, 3], 5, elsewhere=12) is None


@pytest.mark.parametrize("score", [0, 6, -1])
def test_only_one_to_five_are_scores(score: int) -> None:
    assert "no score" in str(refusal([], score))


def test_a_set_that_nobody_could_rate_is_refused_before_anyone_begins() -> None:
    TieRules().check_possible([5] * 82)
    with pytest.raises(LynxError, match="at least 82 ties over 82 questions, and 10 are allowed"):
        TieRules().check_possible([6] * 82)
    TieRules(max_ties=82).check_possible([6] * 82)
    with pytest.raises(LynxError, match="11 answers to a question can't be scored"):
        TieRules(max_ties=1000).check_possible([11])


def test_rules_without_sense_are_refused() -> None:
    with pytest.raises(LynxError, match="no rules"):
        TieRules(max_equal=0)
