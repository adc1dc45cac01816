"""Tests of asking two runs the same, and of what the page writes about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lynx.config.errors import LynxError
from lynx.serving.answering import Answerer
from lynx.serving.comparing import Comparison, load_vision
from lynx.serving.examples import write_examples
from lynx.serving.page_texts import (
    difference_text,
    messages,
    prompt_sent,
    settings_text,
    statistics,
)


def test_two_runs_are_asked_the_same_and_keep_their_own_histories(
    answerer: Answerer, other: Answerer, picture: Path
) -> None:
    vision = load_vision(picture, kind="image", answerers=[answerer, other])
    comparison = Comparison.of([answerer, other], vision).ask("what is this", describe_first=True)
    comparison = comparison.ask("what color is it")
    left, right = (side.conversation.turns for side in comparison.sides)
    assert [user for user, _ in left] == [user for user, _ in right]
    assert [user for user, _ in left][1:] == ["what is this", "what color is it"]
    assert left != right
    for side in comparison.sides:
        assert len(messages(side)) == 6
        assert "tokens/s" in statistics(side)
        assert prompt_sent(side).startswith("[4 vision tokens]")


def test_a_run_beside_itself_answers_alike(answerer: Answerer, picture: Path) -> None:
    vision = load_vision(picture, kind="image", answerers=[answerer])
    left, right = Comparison.of([answerer, answerer], vision).ask("what is this", seed=5).sides
    assert left.conversation == right.conversation


def test_without_a_picture_it_is_text_alone(answerer: Answerer) -> None:
    assert load_vision(None, kind="image", answerers=[answerer]) is None
    (side,) = Comparison.of([answerer]).ask("what is this", describe_first=True).sides
    assert len(side.conversation.turns) == 1 and "vision" not in prompt_sent(side)


def test_a_failing_side_shows_its_error_and_no_side_keeps_the_turn(
    answerer: Answerer, other: Answerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Comparison.of([answerer, other]).ask("what is this")
    model = other.asker.model

    def fail(**_: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(model, "generate", fail)
    after = before.ask("what color is it")
    assert [side.conversation for side in after.sides] == [
        side.conversation for side in before.sides
    ]
    assert after.sides[0].error is None
    assert after.sides[1].error == "RuntimeError: out of memory"
    assert "out of memory" in messages(after.sides[1])[-1]["content"]
    assert "isn't kept" in statistics(after.sides[1])


def test_mistakes_of_the_user_are_told(answerer: Answerer, tmp_path: Path) -> None:
    with pytest.raises(LynxError, match="write a question"):
        Comparison.of([answerer]).ask("  ")
    with pytest.raises(LynxError, match="no row"):
        Comparison.of([answerer]).ask("what is this", row="nothing")
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"broken")
    with pytest.raises(LynxError, match="can't be decoded"):
        load_vision(str(broken), kind="image", answerers=[answerer])


def test_what_differs_between_the_runs_is_told(answerer: Answerer, other: Answerer) -> None:
    assert "seed: 0 → 1" in difference_text([answerer, other])
    assert difference_text([answerer, answerer]).startswith("nothing")
    assert "num_beams 1 · " in settings_text(answerer, "greedy")


def test_examples_are_pictures_with_questions(tmp_path: Path) -> None:
    examples = write_examples(tmp_path)
    assert len(examples) == 8
    assert all(question.strip() for _, question in examples)
    assert all(Path(path).read_bytes().startswith(b"\x89PNG") for path, _ in examples)
    (tmp_path / "again").mkdir()
    assert [q for _, q in write_examples(tmp_path / "again")] == [q for _, q in examples]
