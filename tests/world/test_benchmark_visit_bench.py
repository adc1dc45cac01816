"""The desk's counterpart of VisIT-Bench: true, answerable by its captions, in the world's words."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from typing import Any

import pytest

from lynx.config.paths import from_root
from lynx.config.seeds import python_random
from lynx.evaluation.head_to_head.overlap_rule import OverlapRule
from lynx.evaluation.head_to_head.pair_judges import PairClaim
from lynx.evaluation.questions import Question
from lynx.world import vocabulary as words
from lynx.world.benchmarks import visit_bench
from lynx.world.chat import chat_document
from lynx.world.datasets import DATASETS


@cache
def _rows() -> tuple[dict[str, Any], ...]:
    return tuple(visit_bench.draw())


def test_it_has_sixty_instructions_in_ten_categories() -> None:
    assert Counter(Counter(row["category"] for row in _rows()).values()) == {6: 10}
    assert len({row["id"] for row in _rows()}) == 60
    assert len({row["image_name"] for row in _rows()}) == 60
    assert len({row["images"] for row in _rows()}) == 60
    questions = [Question(index=i, **row) for i, row in enumerate(_rows())]
    assert all(q.caption and q.answer and q.question for q in questions)


def test_it_is_the_same_whenever_it_is_drawn() -> None:
    assert visit_bench.draw() == list(_rows())


def test_every_word_was_seen_in_training() -> None:
    prompts = (from_root("data_recipes") / "prompts").rglob("*.*")
    seen = {word for path in prompts for word in _words(path.read_text("utf-8"))}
    rng = python_random(0, "test")
    for _ in range(200):
        for segment in chat_document(rng, num_questions=6):
            seen |= _words(segment.text)
    for source in ("llava_instruction", "vqav2"):
        for _ in range(60):
            rounds, _ = DATASETS[source].make(rng)
            for one in rounds:
                seen |= _words(one.response) | _words(" ".join(one.fields.values()))
    said = {word for row in _rows() for key in ("question", "answer") for word in _words(row[key])}
    assert said - seen == set()


def test_references_say_what_their_captions_say() -> None:
    # Colours, shapes, places, signs and actions that a reference names stand in the caption.
    visible = {*words.COLORS, *words.SHAPES, *words.PLACES, *words.SIGN_WORDS, *words.ACTIONS}
    for row in _rows():
        named = _words(row["answer"]) & visible - set(words.PLACES.values())
        assert named <= _words(row["caption"]), row["id"]


def test_captions_keep_to_what_can_be_seen() -> None:
    # A caption that told what people do there would answer for the model that it is given to.
    unseen = {*words.PLACES.values(), *words.ACTIONS.values()}
    assert not any(_words(row["caption"]) & unseen for row in _rows())


@pytest.mark.parametrize("category", ["Advice", "Comparing", "Relating"])
def test_yes_is_not_always_right(category: str) -> None:
    answers = [row["answer"].split(",")[0] for row in _rows() if row["category"] == category]
    assert set(answers) == {"yes", "no"}


def test_the_string_rule_prefers_a_reference_to_that_of_another_picture() -> None:
    claims = [
        PairClaim(row["caption"], row["question"], row["answer"], other["answer"], row["answer"])
        for row, other in zip(_rows(), (*_rows()[7:], *_rows()[:7]), strict=True)
    ]
    winners = Counter(verdict.winner for verdict in OverlapRule().judge(claims))
    assert winners == {"a": 60}


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))
