"""Decides whether a phrasing that a language model wrote may join a prompt pool."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from difflib import SequenceMatcher

from lynx.config.prompt_pools import PromptPool, normalised

_FEWEST_WORDS, _MOST_WORDS = 3, 40
_SAME_WORDS = 0.85  # share of words, in order, from which a phrasing counts as a held-out one
# Words that a phrasing can gain or lose without becoming another.
_FILLERS = frozenset(
    [
        "please",
        "kindly",
        "the",
        "a",
        "an",
        "this",
        "that",
        "can",
        "could",
        "would",
        "you",
        "now",
        "just",
    ]
)
_EXAMPLE = re.compile(r"\b(such as|for example|for instance|e\.g\.)", re.IGNORECASE)
_SLOT = re.compile(r"[\[<][^\]>]*[\]>]")
# "Answer: B", "the correct option is (2)".
_NAMED_OPTION = re.compile(
    r"\b(?:answer|option|choice)\s*(?:is|:|=)\s*(?:option\s+)?[\"'(\[]*(?:[b-z0-9]\b|a(?=[)\].\"']|$))",
    re.IGNORECASE,
)


def problem(
    text: str, pool: PromptPool, *, kept: Collection[str] = (), others: Iterable[PromptPool] = ()
) -> str | None:
    """Why `text` may not join the training phrasings of `pool`; None when it may.

    kept: phrasings that are about to join, too. others: pools that must not have it either; `pool`
    itself may be among them.
    """
    return (
        _wrong_form(text, pool)
        or _wrong_answers(text, pool)
        or _known(text, pool, kept)
        or _of_another_pool(text, pool, others)
        or _near_held_out(text, pool)
    )


def _wrong_form(text: str, pool: PromptPool) -> str | None:
    if "\n" in text or not text.isprintable():
        return "is more than one line, or has characters that don't print"
    if sorted(re.findall(r"\{(\w+)\}", text)) != sorted(pool.fields) or (
        text.count("{") + text.count("}") != 2 * len(pool.fields)
    ):
        if not pool.fields:
            return f"has braces; the pool `{pool.name}` has no fields, so nothing fills them"
        wanted = ", ".join(f"{{{field}}}" for field in pool.fields)
        return f"must have {wanted} exactly once and no other braces"
    slot = _SLOT.search(text)
    if slot is not None:
        return f"has the slot {slot[0]}, which nothing fills"
    num_words = len(text.split())
    if not _FEWEST_WORDS <= num_words <= _MOST_WORDS:
        return f"has {num_words} words; {_FEWEST_WORDS} to {_MOST_WORDS} are allowed"
    return None


def _wrong_answers(text: str, pool: PromptPool) -> str | None:
    if _EXAMPLE.search(text):
        return "gives an example, which may be the answer"
    if _NAMED_OPTION.search(text):
        return "states an answer"
    if not pool.answers:
        return None
    named = "|".join(re.escape(answer) for answer in pool.answers)
    # "Answer: true" but not "Answer: true or false", "the answer is true, false, ...".
    stated = rf"\b(?:answer|label|verdict|reply|response)\s*(?:is|:|=)\s*[\"']?(?:{named})\b"
    alone = rf"{stated}(?!\s*(?:[,/|()]|or\b|and\b))"
    if re.search(alone, text, re.IGNORECASE):
        return "states an answer"
    missing = [a for a in pool.answers if not re.search(rf"\b{re.escape(a)}\b", text, re.I)]
    if missing:
        return f"must name each of the answers {', '.join(pool.answers)}; lacks {missing[0]}"
    return None


def _known(text: str, pool: PromptPool, kept: Collection[str]) -> str | None:
    words = normalised(text)
    for other in (*pool.diverse, *kept):
        if normalised(other) == words:
            return f"is a duplicate of {other!r}"
    return None


def _of_another_pool(text: str, pool: PromptPool, others: Iterable[PromptPool]) -> str | None:
    """A phrasing that asks for two tasks tells the model neither."""
    words = normalised(text)
    for other in others:
        if other.name == pool.name:
            continue
        for phrasing in (*other.diverse, *other.held_out):
            if normalised(phrasing) == words:
                return f"is {phrasing!r} of the pool `{other.name}`"
    return None


def _near_held_out(text: str, pool: PromptPool) -> str | None:
    """A model that has seen such a phrasing in training is not tested on a new one."""
    words = _telling(text)
    for other in pool.held_out:
        known = _telling(other)
        alike = SequenceMatcher(None, words, known, autojunk=False).ratio()
        if sorted(words) == sorted(known) or alike >= _SAME_WORDS:
            return f"is nearly the held-out {other!r}"
    return None


def _telling(text: str) -> list[str]:
    return [word for word in normalised(text) if word not in _FILLERS]
