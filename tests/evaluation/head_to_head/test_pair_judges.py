"""Judges of two answers: what a served one is sent, how it is read, and the string rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lynx.config.errors import LynxError
from lynx.config.schema import JudgeConfig
from lynx.evaluation.head_to_head.build import build_pair_judge
from lynx.evaluation.head_to_head.overlap_rule import OverlapRule
from lynx.evaluation.head_to_head.pair_judges import PairClaim, ServedPairJudge, parsed
from lynx.evaluation.judges.served import Reply
from tests.chat_server import running_server

_CLAIM = PairClaim("a red circle at night", "what is it?", "a circle", "a star", "a red circle")


@dataclass
class Served:
    """Says the same to all, and keeps what it was asked."""

    text: str
    name: str = "gpt-x"
    requests: list[Any] = field(default_factory=list)

    def replies(self, requests: Any) -> list[Reply]:
        self.requests += requests
        return [Reply(self.text, None, None, False) for _ in requests]


@pytest.mark.parametrize(
    ("reply", "winner"),
    [
        ("... Overall, Response A is better.", "a"),
        ("overall, RESPONSE B IS BETTER", "b"),
        ("**Response A is better**", "a"),
        ("Response A is better in tone, but overall, Response B is better.", None),
        ("Overall, Response X is better.", None),
        ("Both responses are equally good.", None),
        ("Response A  is better", None),
        ("I choose A.", None),
        ("", None),
    ],
)
def test_a_verdict_is_exactly_one_of_the_two_sentences(reply: str, winner: str | None) -> None:
    assert parsed(reply) == winner


def test_four_messages_are_sent_with_the_caption_in_place_of_the_picture() -> None:
    served = Served("Overall, Response B is better.")
    judge = ServedPairJudge(served)
    verdicts = judge.judge([_CLAIM, _CLAIM.swapped])
    assert [one.winner for one in verdicts] == ["b", "b"]
    messages = served.requests[0].messages
    assert [one["role"] for one in messages] == ["system", "user", "assistant", "user"]
    last = messages[-1]["content"]
    assert "a red circle at night" in last and "what is it?" in last
    assert last.index("Response A: a circle") < last.index("Response B: a star")
    swapped = served.requests[1].messages[-1]["content"]
    assert swapped.index("Response A: a star") < swapped.index("Response B: a circle")
    assert "A good answer" not in last  # the leaderboard's judge sees no reference
    assert judge.name == "gpt-x (pair:v1)"


def test_the_reference_is_shown_on_request_and_named() -> None:
    served = Served("")
    judge = ServedPairJudge(served, shows_reference=True)
    assert judge.judge([_CLAIM])[0].winner is None
    assert "A good answer: a red circle" in served.requests[0].messages[-1]["content"]
    assert judge.name == "gpt-x (pair:v1, with reference)"


def test_braces_in_an_answer_stay_as_they_are() -> None:
    served = Served("")
    ServedPairJudge(served).judge([PairClaim("{given}", "{x}", "{", "}")])
    assert "Image context: {given}" in served.requests[0].messages[-1]["content"]


def test_a_served_judge_is_asked_once_for_each_order_and_leaves_room_for_reasons(
    tmp_path: Path,
) -> None:
    with running_server("because ... Overall, Response A is better.") as server:
        url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        config = JudgeConfig(name="gpt-x-0613", base_url=url, max_reply_tokens=64)
        claims = [_CLAIM, _CLAIM.swapped, _CLAIM]
        for _ in range(2):
            verdicts = build_pair_judge(config, cache_dir=tmp_path).judge(claims)
        assert [one.winner for one in verdicts] == ["a", "a", "a"]
        assert len(server.requests) == 2  # the rest was on disk
        assert server.requests[0]["max_tokens"] >= 1024
        assert len(server.requests[0]["messages"]) == 4
    offline = build_pair_judge(config, cache_dir=tmp_path, offline=True)
    assert [one.winner for one in offline.judge(claims)] == ["a", "a", "a"]
    with pytest.raises(LynxError, match="offline"):
        offline.judge([PairClaim("", "new", "x", "y")])


def test_an_unknown_rule_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LynxError, match="rule:overlap:v1"):
        build_pair_judge(JudgeConfig(name="rule:overlap:v2"), cache_dir=tmp_path)
    assert build_pair_judge(JudgeConfig(), cache_dir=tmp_path).name == "rule:overlap:v1"


@pytest.mark.parametrize(
    ("first", "second", "winner"),
    [
        ("a red circle", "a blue star", "a"),
        ("a circle", "the red circles", "b"),  # one form for singular and plural
        ("red circle", "Red, circle!", "tie"),
        ("a red circle", "a red circle and a green dog in a purple boat", "a"),  # foreign words
        ("", "red", "b"),
        ("", "", "tie"),
        ("blue star", "green dog", "tie"),
    ],
)
def test_the_rule_prefers_the_words_of_the_facts(first: str, second: str, winner: str) -> None:
    claim = PairClaim("a red circle at night.", "what is it?", first, second, "a red circle.")
    (verdict, swapped) = OverlapRule().judge([claim, claim.swapped])
    assert verdict.winner == winner
    assert swapped.winner == {"a": "b", "b": "a", "tie": "tie"}[winner]


def test_the_rule_takes_the_caption_where_there_is_no_reference() -> None:
    claim = PairClaim("a red circle at night", "describe", "red circle, night", "a red thing")
    assert OverlapRule().judge([claim])[0].winner == "a"


def test_repeating_the_instruction_earns_nothing() -> None:
    claim = PairClaim("", "where is the star?", "where is the star", "left", "at the left.")
    assert OverlapRule().judge([claim])[0].winner == "b"


def test_yes_and_no_count() -> None:
    claim = PairClaim("", "can people swim here?", "yes, people can swim", "no, they ski",
                      "no, people can ski here.")  # fmt: skip
    assert OverlapRule().judge([claim])[0].winner == "b"


def test_the_rule_gives_no_verdict_without_facts() -> None:
    verdict = OverlapRule().judge([PairClaim("", "what?", "a", "b")])[0]
    assert verdict.winner is None
    assert "neither reference nor caption" in verdict.reply
