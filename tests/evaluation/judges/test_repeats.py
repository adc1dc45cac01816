"""How often a judge contradicts itself, and what is asked for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from lynx.evaluation.judges.base import Claim, Verdict
from lynx.evaluation.judges.openai_compatible import OpenAICompatibleJudge
from lynx.evaluation.judges.repeats import fleiss_kappa, self_agreement
from lynx.evaluation.judges.served import ServedModel
from tests.chat_server import Server

# Fleiss' example of 1971: ten subjects rated by fourteen into five categories, kappa .21.
_FLEISS = """
0 0 0 0 14|0 2 6 4 2|0 0 3 5 6|0 3 9 2 0|2 2 8 1 1|7 7 0 0 0|3 2 6 3 0|2 5 3 2 2|6 5 2 1 0|0 2 2 3 7
"""
RED = Claim("What color?", "a red ball", "red")
BLUE = Claim("What color?", "a red ball", "blue")


def _verdicts(*rows: Sequence[bool | None]) -> list[Verdict]:
    return [Verdict(first, "", tuple(further)) for first, *further in rows]


def test_fleiss_kappa_is_that_of_the_published_example() -> None:
    rows = [
        [category for category, count in enumerate(line.split()) for _ in range(int(count))]
        for line in _FLEISS.strip().split("|")
    ]
    assert fleiss_kappa(rows) == pytest.approx(0.2099, abs=5e-5)


def test_flips_disagreement_and_kappa_of_three_verdicts_each() -> None:
    found = self_agreement(
        _verdicts([True, True, True], [False] * 3, [True, False, True], [None, None, True])
    )
    assert found is not None
    assert (found.n, found.k, found.num_flipped, found.flip_rate) == (4, 3, 2, 0.5)
    assert found.disagreement == pytest.approx((0 + 0 + 2 / 3 + 2 / 3) / 4)
    assert found.accuracies == (0.5, 0.25, 0.75)
    # Yes 6, no 4, unparseable 2 of 12.
    expected = (6 / 12) ** 2 + (4 / 12) ** 2 + (2 / 12) ** 2
    assert found.kappa == pytest.approx((2 / 3 - expected) / (1 - expected))


def test_verdicts_that_are_all_the_same_show_no_kappa() -> None:
    found = self_agreement(_verdicts([True, True], [True, True]))
    assert found is not None
    assert (found.kappa, found.num_flipped) == (None, 0)
    assert found.interval.high > 0.5  # two answers show little


def test_a_judge_asked_once_says_nothing_about_itself() -> None:
    assert self_agreement(_verdicts([True], [False])) is None
    assert self_agreement([]) is None


def test_claims_judged_unequally_often_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\[1, 2\] times"):
        self_agreement(_verdicts([True], [False, True]))


def test_each_claim_is_asked_as_often_as_wanted_and_the_first_counts(
    server: Server, build: Callable[..., ServedModel]
) -> None:
    server.replies = ["Yes", "No", "Hm", "No", "No", "Yes"]
    verdicts = OpenAICompatibleJudge(build(concurrency=1), repeats=3).judge([RED, BLUE])
    assert [(v.correct, v.reply, v.repeats) for v in verdicts] == [
        (True, "Yes", (False, None)),
        (False, "No", (False, True)),
    ]


def test_more_repeats_ask_only_for_those_that_lack_and_leave_the_headline(
    server: Server, build: Callable[..., ServedModel]
) -> None:
    server.replies = ["Yes", "No"]
    (once,) = OpenAICompatibleJudge(build()).judge([RED])
    (twice,) = OpenAICompatibleJudge(build(), repeats=2).judge([RED])
    assert len(server.requests) == 2
    assert (once.correct, twice.correct, twice.repeats) == (True, True, (False,))
