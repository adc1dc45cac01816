"""win/all of Table 5, with ties told and an exact sign test."""

from __future__ import annotations

import pytest

from lynx.config.errors import LynxError
from lynx.evaluation.head_to_head.overlap_rule import OverlapRule
from lynx.evaluation.head_to_head.wins import win_all
from tests.evaluation.head_to_head.fighting import (
    ToldJudge,
    longer,
    make_prediction,
    make_question,
)

_QUESTIONS = [make_question(number) for number in range(10)]


def _said(*texts: str) -> list:
    return [make_prediction(q, text) for q, text in zip(_QUESTIONS, texts, strict=False)]


def test_wins_are_the_other_models_and_ties_stay_out_of_the_test() -> None:
    base, other = _said(*["xx"] * 10), _said(*["xxx"] * 7, "x", "xx", "xx")
    result = win_all(base, other, ToldJudge(longer))
    assert (result.num_wins, result.num_losses, result.num_ties) == (7, 1, 2)
    assert result.num_questions == 10
    assert result.p == pytest.approx(2 * (1 + 8) / 2**8)
    turned = win_all(other, base, ToldJudge(longer))
    assert (turned.num_wins, turned.num_losses, turned.p) == (1, 7, result.p)


def test_a_judge_that_prefers_a_place_wins_nobody_anything() -> None:
    result = win_all(_said(*["x"] * 10), _said(*["y"] * 10), ToldJudge(lambda claim: "b"))
    assert (result.num_wins, result.num_ties, result.p) == (0, 10, 1.0)


def test_half_a_win_is_one_by_the_readme_only() -> None:
    def decide(claim):
        return "a" if claim.response_a == "new" else "tie"

    base, other = _said(*["old"] * 10), _said(*["new"] * 10)
    assert win_all(base, other, ToldJudge(decide)).num_wins == 0
    assert win_all(base, other, ToldJudge(decide), tie_rule="readme").num_wins == 10


def test_unparseable_replies_are_counted() -> None:
    result = win_all(_said("x"), _said("y"), ToldJudge(lambda claim: None))
    assert (result.num_ties, result.num_unparseable, result.num_wins) == (1, 1, 0)


def test_captions_are_what_the_judge_knows_of_the_picture() -> None:
    judge = ToldJudge(longer)
    result = win_all(_said("x"), _said("y"), judge, captions={"q0": "a star at night"})
    assert {claim.context for claim in judge.claims} == {"a star at night"}
    assert {claim.reference for claim in judge.claims} == {"a red circle."}
    assert result.judge == "told"
    assert win_all(_said("x"), _said("a red circle"), OverlapRule()).num_wins == 1


def test_different_questions_are_refused() -> None:
    with pytest.raises(LynxError, match=r"different questions \(2 and 1\)"):
        win_all(_said("x", "y"), _said("x"), ToldJudge(longer))
