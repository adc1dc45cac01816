"""The judge behind an OpenAI-compatible server: the paper's prompt, and how replies are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from lynx.config.errors import LynxError
from lynx.config.schema import JudgeConfig
from lynx.evaluation.judges.base import Claim
from lynx.evaluation.judges.build import build_judge
from lynx.evaluation.judges.openai_compatible import filled, parsed
from tests.chat_server import Server, running_server

RED = Claim("What color?", "a red ball", "red")


def _config(server: Server, monkeypatch: pytest.MonkeyPatch) -> JudgeConfig:
    monkeypatch.setenv("A_KEY", "secret-key")
    return JudgeConfig(name="gpt-x", base_url=server.url, api_key_variable="A_KEY")


def test_the_papers_prompt_is_sent_word_for_word(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with running_server("Yes") as server:
        verdicts = build_judge(_config(server, monkeypatch), cache_dir=tmp_path).judge([RED])
    (request,) = server.requests
    assert request["path"] == "/v1/chat/completions"
    assert (request["model"], request["temperature"], request["max_tokens"]) == ("gpt-x", 0.0, 64)
    assert request["key"] == "Bearer secret-key"
    assert request["messages"] == [
        {
            "role": "user",
            "content": 'Given the question "What color?", does the answer "a red ball" imply the '
            'answer "red"? Answer with Yes or No.',
        }
    ]
    assert [(v.correct, v.reply, v.repeats) for v in verdicts] == [(True, "Yes", ())]


def test_a_reply_that_is_neither_yes_nor_no_is_no_verdict(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with running_server("The answer is unclear.") as server:
        (verdict,) = build_judge(_config(server, monkeypatch), cache_dir=tmp_path).judge([RED])
    assert (verdict.correct, verdict.reply) == (None, "The answer is unclear.")


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("Yes", True), ("yes.", True), ('"No"', False), ("**No**, because", False),
        ("Yesterday", None), ("Nothing", None), ("", None), ("0", None), ("It does: yes", None),
        ("YES!", True), ("\n no", False), ("not sure", None), ("<key>", None), ("Yes and no", True),
    ],
)  # fmt: skip
def test_only_the_first_word_of_a_reply_counts(reply: str, expected: bool | None) -> None:
    assert parsed(reply) is expected


def test_a_prediction_that_names_a_placeholder_is_not_filled_in() -> None:
    text = filled(Claim("q", "GROUND_TRUTH", "gold"))
    assert 'the answer "GROUND_TRUTH" imply the answer "gold"' in text


def test_a_judge_without_key_or_server_says_which_variable_to_set(tmp_path: Path) -> None:
    config = JudgeConfig(name="gpt-4", api_key_variable="NO_SUCH_KEY")
    with pytest.raises(LynxError, match="NO_SUCH_KEY"):
        build_judge(config, cache_dir=tmp_path)


def test_offline_a_judge_needs_neither_key_nor_server(tmp_path: Path) -> None:
    config = JudgeConfig(name="gpt-4", api_key_variable="NO_SUCH_KEY")
    with pytest.raises(LynxError, match="offline: 1 of 1 replies"):
        build_judge(config, cache_dir=tmp_path, offline=True).judge([RED])


def test_an_unknown_rule_is_not_taken_for_a_served_model(tmp_path: Path) -> None:
    with pytest.raises(LynxError, match="no rule 'rule:v9'"):
        build_judge(JudgeConfig(name="rule:v9"), cache_dir=tmp_path)
