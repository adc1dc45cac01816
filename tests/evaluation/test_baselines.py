"""Swapped pictures and the majority answer."""

from __future__ import annotations

from collections import Counter

import pytest

from lynx.config.errors import LynxError
from lynx.evaluation.baselines import majority_share, with_swapped_pictures
from tests.fabricated import make_question


@pytest.mark.parametrize("seed", range(20))
def test_no_question_keeps_its_picture_and_a_category_keeps_its_pictures(seed: int) -> None:
    # Pictures that several questions share: a shuffle of questions could return the same picture.
    questions = [make_question(i, category="A" if i < 12 else "B", shade=i // 3) for i in range(24)]
    swapped = with_swapped_pictures(questions, seed=seed)
    for category in ("A", "B"):
        pairs = [(q, s) for q, s in zip(questions, swapped, strict=True) if q.category == category]
        assert all(q.picture != s.picture for q, s in pairs)
        assert Counter(q.picture for q, _ in pairs) == Counter(s.picture for _, s in pairs)
    assert [(s.id, s.question, s.answer) for s in swapped] == [
        (q.id, q.question, q.answer) for q in questions
    ]


def test_swapping_depends_on_the_seed_alone() -> None:
    questions = [make_question(i) for i in range(30)]
    assert with_swapped_pictures(questions, seed=1) == with_swapped_pictures(questions, seed=1)
    assert with_swapped_pictures(questions, seed=1) != with_swapped_pictures(questions, seed=2)


def test_a_category_of_one_picture_borrows_from_the_others() -> None:
    questions = [make_question(i, category="A", shade=0) for i in range(3)]
    questions += [make_question(i, category="B") for i in range(3, 6)]
    swapped = with_swapped_pictures(questions, seed=0)
    assert all(q.picture != s.picture for q, s in zip(questions, swapped, strict=True))


def test_a_benchmark_of_one_picture_has_no_blind_baseline() -> None:
    with pytest.raises(LynxError, match="all questions of this benchmark have the same one"):
        with_swapped_pictures([make_question(i, shade=7) for i in range(3)], seed=0)


def test_the_majority_answer_is_taken_by_category() -> None:
    answers = [("A", "two"), ("A", "2"), ("A", "3"), ("B", "yes"), ("B", "no"), ("B", "Yes.")]
    questions = [make_question(i, category=c, answer=a) for i, (c, a) in enumerate(answers)]
    assert majority_share(questions) == pytest.approx(4 / 6)
