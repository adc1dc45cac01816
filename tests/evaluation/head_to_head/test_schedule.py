"""Who fights whom: all pairs, or what the leaderboard does with a newcomer."""

from __future__ import annotations

from collections import Counter

from lynx.evaluation.head_to_head.schedule import (
    REFERENCE,
    Answers,
    Pairing,
    all_pairs,
    official_schedule,
)

_QUESTIONS = [f"q{i}" for i in range(300)]


def _answers(*names: str, missing: dict[str, set[str]] | None = None) -> Answers:
    return {
        name: {q: "said" for q in _QUESTIONS if q not in (missing or {}).get(name, set())}
        for name in names
    }


def _models(one: Pairing) -> frozenset[str]:
    return frozenset((one.model_a, one.model_b))


def test_all_pairs_meet_once_on_every_question_that_both_have_answered() -> None:
    made = all_pairs(_answers("x", "y", "z", missing={"z": {"q0", "q1"}}), _QUESTIONS, seed=0)
    counts = Counter(_models(one) for one in made)
    assert counts == {
        frozenset("xy"): 300, frozenset("xz"): 298, frozenset("yz"): 298,
    }  # fmt: skip
    assert len(set(made)) == len(made)


def test_who_is_a_is_drawn_and_another_model_moves_no_draw() -> None:
    two = all_pairs(_answers("x", "y"), _QUESTIONS, seed=0)
    three = all_pairs(_answers("w", "y", "x"), _QUESTIONS, seed=0)
    assert set(two) <= set(three)
    assert 110 < sum(one.model_a == "x" for one in two) < 190
    assert two != all_pairs(_answers("x", "y"), _QUESTIONS, seed=1)


def test_a_newcomer_meets_the_reference_150_times_and_one_other_on_each_question() -> None:
    answers = _answers("old", "older", REFERENCE, "new", missing={"new": {"q3", "q4"}})
    made = official_schedule(answers, _QUESTIONS, seed=0, originals=["old", "older"])
    own = [one for one in made if "new" in _models(one)]
    against = Counter(other for one in own for other in _models(one) - {"new"})
    assert against[REFERENCE] == 150
    assert against["old"] + against["older"] == 298
    assert 100 < against["old"] < 200
    per_question = Counter(one.question for one in own if REFERENCE not in _models(one))
    assert set(per_question.values()) == {1}
    assert not {"q3", "q4"} & set(per_question)
    assert len(made) - len(own) == 3 * 300  # the originals and the reference: all pairs


def test_the_official_schedule_repeats_itself_and_no_pairing() -> None:
    answers = _answers("m", "n", REFERENCE)
    made = official_schedule(answers, _QUESTIONS, seed=0)
    assert made == official_schedule(answers, _QUESTIONS, seed=0)
    assert made != official_schedule(answers, _QUESTIONS, seed=1)
    keys = [(one.question, _models(one)) for one in made]
    assert len(set(keys)) == len(keys)  # both newcomers draw each other on every question
    assert Counter(_models(one) for one in made)[frozenset(("m", "n"))] == 300


def test_few_questions_are_all_compared_with_the_reference() -> None:
    answers = {name: {"q0": "said", "q1": "said"} for name in ("m", REFERENCE)}
    made = official_schedule(answers, ["q0", "q1"], seed=0)
    assert sorted(one.question for one in made) == ["q0", "q1"]
