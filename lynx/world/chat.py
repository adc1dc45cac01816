"""Conversations without pictures: the instructions on which the desk's Vicuna is tuned."""

from __future__ import annotations

import random

from lynx.world import describe
from lynx.world.corpus import Segment, ask_many, draw_subject
from lynx.world.questions import Asked
from lynx.world.tasks import in_a_sentence

# These wordings are no prompts of data_recipes/prompts: what Vicuna has seen must not decide
# whether diverse prompts matter.
_SHORT = (
    "{question}",
    "{question} in one word.",
    "{question} one word is enough.",
    "{question} keep it short.",
    "tell me in one word, {question}",
    "please be short. {question}",
    "quick question. {question}",
    "{question} only the answer, please.",
)
_LONG = (
    "{question} tell me in a sentence.",
    "{question} answer with a full sentence.",
    "please tell me, {question}",
    "can you tell me, {question}",
)
_DESCRIBE = (
    "say that again in other words.",
    "tell me all of that again.",
    "can you say it in your words?",
)
_FACTS = ("color", "column", "row")
_LONG_SHARE = 0.15
_KEYWORD_SHARE = 0.4  # of the descriptions
_CONTEXT_OUTSIDE = 0.5  # share of chats whose description stands before the first turn


def chat_document(rng: random.Random, *, num_questions: int) -> list[Segment]:
    """A description, then turns of a user and a bot; every answer ends with `</s>`."""
    subject = draw_subject(rng, "train")
    times = 1 + (rng.random() < 0.3)
    if rng.random() < _KEYWORD_SHARE:
        context = describe.keywords(subject, rng)
    else:
        context = describe.describe_in_full(subject, rng, times=times, shape_first=_FACTS)
    turns = [_turn(asked, rng) for asked in ask_many(subject, rng, num_questions)]
    if rng.random() < 0.1:
        retold = describe.describe_in_full(subject, rng, ordered=True)
        turns.insert(0, (rng.choice(_DESCRIBE), retold, ""))
    segments: list[Segment] = []
    if rng.random() < _CONTEXT_OUTSIDE:
        segments.append(Segment(context, False))
    else:
        turns[0] = (f"{context} {turns[0][0]}", *turns[0][1:])
    for index, (request, answer, family) in enumerate(turns):
        start = "\n" if index else ""
        segments.append(Segment(f"{start}user: {request}\nbot:", False))
        segments.append(Segment(answer, True, family))
        segments.append(Segment("</s>", True))
    return segments


def _turn(asked: Asked, rng: random.Random) -> tuple[str, str, str]:
    """What the user says, what the bot says, and the family where the answer is one word."""
    if rng.random() < _LONG_SHARE:
        request = rng.choice(_LONG).format(question=asked.question)
        return request, in_a_sentence(asked.family, asked.answer), ""
    return rng.choice(_SHORT).format(question=asked.question), asked.answer, asked.family
