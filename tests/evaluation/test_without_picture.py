"""Swapped pictures and the majority answer."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import replace

import pytest
from PIL import Image

from lynx.config.errors import LynxError
from lynx.evaluation.without_picture import (
    always_yes_share,
    majority_share,
    without_picture,
)
from tests.fabricated import make_question, png


@pytest.mark.parametrize("seed", range(20))
def test_no_question_keeps_its_picture_and_a_category_keeps_its_pictures(seed: int) -> None:
    # Pictures that several questions share: a shuffle of questions could return the same picture.
    questions = [make_question(i, category="A" if i < 12 else "B", shade=i // 3) for i in range(24)]
    swapped = without_picture(questions, "swapped", seed=seed)
    for category in ("A", "B"):
        pairs = [(q, s) for q, s in zip(questions, swapped, strict=True) if q.category == category]
        assert all(q.picture != s.picture for q, s in pairs)
        assert Counter(q.picture for q, _ in pairs) == Counter(s.picture for _, s in pairs)
    assert [(s.id, s.question, s.answer) for s in swapped] == [
        (q.id, q.question, q.answer) for q in questions
    ]


def test_questions_about_one_picture_get_the_same_foreign_picture() -> None:
    pairs = [make_question(i, category="existence", shade=i // 2) for i in range(12)]
    swapped = without_picture(pairs, "swapped", seed=0)
    assert all(a.picture == b.picture for a, b in zip(swapped[::2], swapped[1::2], strict=True))
    assert len({q.picture for q in swapped}) == 6


def test_swapping_depends_on_the_seed_alone() -> None:
    questions = [make_question(i) for i in range(30)]
    assert without_picture(questions, "swapped", seed=1) == without_picture(
        questions, "swapped", seed=1
    )
    assert without_picture(questions, "swapped", seed=1) != without_picture(
        questions, "swapped", seed=2
    )


def test_a_category_of_one_picture_borrows_from_the_others() -> None:
    questions = [make_question(i, category="A", shade=0) for i in range(3)]
    questions += [make_question(i, category="B") for i in range(3, 6)]
    swapped = without_picture(questions, "swapped", seed=0)
    assert all(q.picture != s.picture for q, s in zip(questions, swapped, strict=True))


def test_a_benchmark_of_one_picture_has_no_blind_baseline() -> None:
    with pytest.raises(LynxError, match="all questions of this benchmark have the same one"):
        without_picture([make_question(i, shade=7) for i in range(3)], "swapped", seed=0)


def test_the_majority_answer_is_taken_by_category() -> None:
    answers = [("A", "two"), ("A", "2"), ("A", "3"), ("B", "yes"), ("B", "no"), ("B", "Yes.")]
    questions = [make_question(i, category=c, answer=a) for i, (c, a) in enumerate(answers)]
    assert majority_share(questions) == pytest.approx(4 / 6)


def test_a_blank_picture_keeps_the_size_and_the_number_of_frames_and_shows_nothing() -> None:
    question = make_question(0)
    video = replace(question, images=(png(1), png(2), png(3)), kind="video")
    blank, blank_video = without_picture([question, video], "blank", seed=0)
    assert len(blank.images) == 1 and len(blank_video.images) == 3
    with Image.open(io.BytesIO(blank.images[0])) as picture:
        assert picture.size == (8, 8)
        assert picture.getcolors() == [(64, (127, 127, 127))]
    assert (blank.id, blank.question, blank.answer) == (question.id, question.question, "red")


def test_text_only_shows_no_picture_at_all() -> None:
    (alone,) = without_picture([make_question(0)], "text_only", seed=0)
    assert alone.images == ()


def test_always_yes_is_right_where_the_answer_is_yes_and_none_where_it_never_is() -> None:
    answers = ["yes", "no", "Yes.", "red"]
    questions = [make_question(i, answer=a) for i, a in enumerate(answers)]
    assert always_yes_share(questions) == 0.5
    assert always_yes_share(questions[3:]) is None
