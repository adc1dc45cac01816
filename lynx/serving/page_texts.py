"""What the page writes about an answer, a row of Table 9 and two runs; knows no Gradio."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from lynx.config.diff import resolved_diff
from lynx.serving.answering import Answerer
from lynx.serving.comparing import Side
from lynx.serving.rows import decoding_of


def messages(side: Side) -> list[dict[str, Any]]:
    """The conversation as a chat's messages; an answer that failed closes it as its error.

    Escaped: Gradio takes what it isn't to take for Markdown for HTML.
    """
    shown: list[dict[str, Any]] = []
    for user, bot in side.conversation.turns:
        shown.append({"role": "user", "content": escape(user)})
        shown.append({"role": "assistant", "content": escape(bot or "")})
    if side.error is not None:
        shown.append({"role": "assistant", "content": escape(f"⚠ {side.error}")})
    return shown


def statistics(side: Side) -> str:
    """One line about the last answer."""
    if side.error is not None:
        return "no answer; the turn isn't kept on either side"
    if side.answer is None:
        return ""
    answer = side.answer
    speed = answer.num_new_tokens / max(answer.seconds, 1e-9)
    return f"{answer.num_new_tokens} tokens · {answer.seconds:.2f} s · {speed:.0f} tokens/s"


def prompt_sent(side: Side) -> str:
    """The whole text that the last answer continues, special tokens included."""
    return "" if side.answer is None else side.answer.prompt


def settings_text(answerer: Answerer, row: str) -> str:
    """A row's settings in one line."""
    return " · ".join(f"{k} {v}" for k, v in decoding_of(answerer.rows, row).items())


def difference_text(answerers: Sequence[Answerer]) -> str:
    """What the second run's configuration changes in the first's; evaluation and devices aside."""
    first, second = (answerer.config for answerer in answerers)
    changes = {
        key: pair
        for key, pair in resolved_diff(first, second).items()
        if not key.startswith(("vocabulary.", "evaluation.", "hardware.", "tracking."))
    }
    lines = [f"{key}: {old} → {new}" for key, (old, new) in changes.items()]
    return "\n".join(lines) or "nothing in model, data, stages or seed"
