"""Both orders, both tie rules, and verdicts that are none."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lynx.config.errors import LynxError
from lynx.evaluation.head_to_head.battles import (
    Instruction,
    Said,
    fight,
    judging_report,
    without_repeats,
)
from lynx.evaluation.head_to_head.official_files import read_head_to_head, write_head_to_head
from lynx.evaluation.head_to_head.schedule import REFERENCE, Pairing
from tests.evaluation.head_to_head.fighting import ToldJudge, longer, make_battle

_ASKED = {"q": Instruction("q", "c", "say", "q.png", caption="seen", reference="good")}


@pytest.mark.parametrize(
    ("verdicts", "official", "readme"),
    [
        (("a", "a"), "a", "a"),
        (("b", "b"), "b", "b"),
        (("a", "b"), "tie", "tie"),
        (("a", "tie"), "tie", "a"),
        (("tie", "b"), "tie", "b"),
        (("a", "unparseable"), "tie", "a"),
        (("tie", "tie"), "tie", "tie"),
        (("unparseable", "unparseable"), "tie", "tie"),
        (("a", "a", "b"), "a", "a"),
        (("b", "b", "a", "a"), "b", "tie"),  # the leaderboard's code takes the first it meets
        (("a",), "tie", "a"),
    ],
)
def test_who_has_won_by_either_tie_rule(
    verdicts: tuple[Said, ...], official: str, readme: str
) -> None:
    battle = make_battle("x", "y", *verdicts)
    assert (battle.winner("official"), battle.winner("readme")) == (official, readme)


def test_both_orders_are_asked_and_the_swapped_verdict_is_turned_back() -> None:
    judge = ToldJudge(longer)
    answers = {"x": {"q": "a long answer"}, "y": {"q": "short"}}
    (battle,) = fight([Pairing("q", "x", "y")], answers, _ASKED, judge)
    shown = [(claim.response_a, claim.response_b) for claim in judge.claims]
    assert shown == [("a long answer", "short"), ("short", "a long answer")]
    assert battle.verdicts == ("a", "a")
    assert battle.winner("official") == "a"


def test_a_judge_that_likes_the_first_place_makes_ties_and_is_found_out() -> None:
    judge = ToldJudge(lambda claim: "a")
    answers = {"x": {"q": "one"}, "y": {"q": "two"}}
    battles = fight([Pairing("q", "x", "y")], answers, _ASKED, judge)
    assert battles[0].verdicts == ("a", "b")
    report = judging_report(battles, "official")
    assert report["first_shown"]["share"] == 1.0
    assert report["orders_disagree"] == {"n": 1, "num": 1}
    assert report["num_ties"] == 1


def test_a_fair_judge_prefers_no_place() -> None:
    battles = [make_battle("x", "y", "a", "a"), make_battle("x", "y", "b", "b", number=1)]
    report = judging_report(battles, "official")
    assert report["first_shown"] | {"low": 0, "high": 0} == {
        "n": 4, "share": 0.5, "low": 0, "high": 0,
    }  # fmt: skip
    assert report["orders_disagree"] == {"n": 2, "num": 0}


def test_unparseable_verdicts_have_a_count_of_their_own() -> None:
    judge = ToldJudge(lambda claim: None if claim.response_a == "one" else "b")
    answers = {"x": {"q": "one"}, "y": {"q": "two"}}
    (battle,) = fight([Pairing("q", "x", "y")], answers, _ASKED, judge)
    assert battle.verdicts == ("unparseable", "a")
    report = judging_report([battle, make_battle("x", "y", "tie", "tie")], "official")
    assert report["num_unparseable_verdicts"] == report["num_battles_with_unparseable"] == 1
    assert (report["num_ties"], report["num_verdicts"]) == (2, 4)


def test_a_judge_sees_the_reference_only_where_it_does_not_fight() -> None:
    judge = ToldJudge(longer)
    answers = {"x": {"q": "one"}, "y": {"q": "two"}, REFERENCE: {"q": "good"}}
    fight([Pairing("q", "x", "y"), Pairing("q", REFERENCE, "x")], answers, _ASKED, judge)
    assert [claim.reference for claim in judge.claims] == ["good", "good", "", ""]
    assert {claim.context for claim in judge.claims} == {"seen"}


def test_the_first_battle_of_two_models_on_an_instruction_holds() -> None:
    first = make_battle("x", "y", "a", "a")
    kept = without_repeats(
        [first, make_battle("y", "x", "a", "a"), make_battle("x", "y", "b", "b", number=1)]
    )
    assert kept == [first, make_battle("x", "y", "b", "b", number=1)]


def test_battles_survive_the_leaderboards_file(tmp_path: Path) -> None:
    path = tmp_path / "head2head.json"
    battles = [make_battle("x", "ÿ’", "a", "b"), make_battle("ÿ’", "x", "tie", "unparseable")]
    write_head_to_head(path, battles, engine="gpt-4", sees_reference=True)
    assert [row["evaluated_with_reference"] for row in json.loads(path.read_text())] == [False] * 2
    rows = json.loads(path.read_text())
    assert list(rows[0]) == [
        "A_model", "B_model", "A", "B", "auto_evaluation_result", "auto_evaluation_cot",
        "image_url", "instruction", "instruction_category", "engine", "reference",
        "evaluated_with_reference",
    ]  # fmt: skip
    assert rows[0]["auto_evaluation_result"] == ["x", "ÿ’"]
    assert rows[0]["auto_evaluation_cot"][1] == {
        "A_model_in_cot": "ÿ’", "B_model_in_cot": "x", "cot": "",
    }  # fmt: skip
    assert rows[1]["auto_evaluation_result"] == ["tie", "tie"]
    again = read_head_to_head(path)
    assert [b.verdicts for b in again] == [("a", "b"), ("tie", "tie")]
    assert [b.shown_first for b in again] == [("a", "b"), ("a", "b")]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"auto_evaluation_result": ["x", "z"]}, "not 'z'"),
        ({"auto_evaluation_result": []}, "auto_evaluation_result"),
        ({"auto_evaluation_result": None}, "auto_evaluation_result"),
        ({"B_model": "x"}, "two different models"),
        ({"A_model": "tie"}, "two different models"),
        ({"image_url": ["u", "v"]}, "'image_url' must be a text"),
        ({"auto_evaluation_cot": [{"A_model_in_cot": "z"}] * 2}, "A_model_in_cot"),
        ({"auto_evaluation_cot": [{"A_model_in_cot": ["x"]}] * 2}, "A_model_in_cot"),
        ({"auto_evaluation_cot": []}, "one reply per verdict"),
    ],
)
def test_what_the_leaderboards_code_would_miscount_is_refused_with_its_entry(
    tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    row = {
        "A_model": "x", "B_model": "y", "A": "", "B": "", "auto_evaluation_result": ["x", "y"],
        "image_url": "u", "instruction": "i", "instruction_category": "c",
    }  # fmt: skip
    path = tmp_path / "h.json"
    path.write_text(json.dumps([row, {**row, **change}]))
    with pytest.raises(LynxError, match="entry 2") as caught:
        read_head_to_head(path)
    assert told in str(caught.value)


@pytest.mark.parametrize("text", ["[{", "{}", "[3]"])
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "h.json"
    path.write_text(text)
    with pytest.raises(LynxError, match=r"h\.json"):
        read_head_to_head(path)


def test_the_file_says_whether_the_judge_saw_a_reference(tmp_path: Path) -> None:
    path = tmp_path / "head2head.json"
    plain = make_battle("x", "y", "a", "a")
    fought = [
        plain,
        replace(plain, reference="r"),
        replace(plain, model_b=REFERENCE, reference="r"),
    ]
    for sees, expected in ((True, [False, True, False]), (False, [False] * 3)):
        write_head_to_head(path, fought, engine="e", sees_reference=sees)
        found = [row["evaluated_with_reference"] for row in json.loads(path.read_text())]
        assert found == expected
