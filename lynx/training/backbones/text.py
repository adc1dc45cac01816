"""The documents that each language model of the desk reads in training and in its gate."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence

from lynx.config.seeds import python_random
from lynx.data.prompts import load_pools
from lynx.world import chat, corpus
from lynx.world.corpus import Segment
from lynx.world.datasets import DATASETS

NUM_QUESTIONS = 12  # about one scene: dense look-ups are what small language models learn from
_FEW_THINGS = (1, 2, 2)
_CURRICULUM = 0.15  # share of the steps in which scenes with few things give way to all
_MENTION_SHARE = 0.15  # of plain documents: a sentence with the words that prompts are made of
_TOKENIZER_DOCUMENTS, _TOKENIZER_SAMPLES = 3000, 100


class PlainDocuments:
    """LLaMA's text: prose about scenes, and now and then how people put a request, unanswered."""

    def __init__(self, phrases: Sequence[str]) -> None:
        self._phrases = phrases

    def __call__(self, rng: random.Random, share: float) -> list[Segment]:
        """A document; early in training most scenes have one or two things."""
        is_easy = rng.random() > share / _CURRICULUM
        num_things = rng.choice(_FEW_THINGS) if is_easy else None
        document = corpus.plain_document(rng, num_questions=NUM_QUESTIONS, num_things=num_things)
        if rng.random() < _MENTION_SHARE:
            mention = " ".join(rng.sample(self._phrases, 2))
            document.insert(0, Segment(mention, False))
        return document


def chat_document(rng: random.Random, _share: float) -> list[Segment]:
    """Vicuna's text: conversations about scenes that are described in words."""
    return chat.chat_document(rng, num_questions=NUM_QUESTIONS)


def plain_test(rng: random.Random) -> list[Segment]:
    """A document of the gate for LLaMA: all answers are asked for in the layouts it has read."""
    return corpus.plain_document(rng, num_questions=NUM_QUESTIONS)


def chat_test(rng: random.Random) -> list[Segment]:
    """A document of the gate for Vicuna."""
    return chat.chat_document(rng, num_questions=NUM_QUESTIONS)


def prompt_phrases() -> list[str]:
    """Every training phrasing of every prompt pool without its placeholders, for their words."""
    phrases = {
        re.sub(r"\{\w+\}", " ", phrase) for pool in load_pools().values() for phrase in pool.diverse
    }
    return sorted(" ".join(phrase.lower().split()) for phrase in phrases if phrase.strip())


def tokenizer_texts() -> Iterator[str]:
    """What the tokenizer is trained on: all kinds of text that occur in the desk world."""
    rng = python_random(0, "backbones", "tokenizer")
    phrases = prompt_phrases()
    for _ in range(3):  # each word often enough to become one token
        yield from phrases
    for _ in range(_TOKENIZER_DOCUMENTS):
        yield " ".join(s.text for s in corpus.plain_document(rng, num_questions=NUM_QUESTIONS))
        yield " ".join(s.text for s in chat.chat_document(rng, num_questions=3)).replace("</s>", "")
    for source in DATASETS:
        if source in ("coyo700m", "datacomp1b"):
            continue  # the noise must not buy itself whole words
        for _ in range(_TOKENIZER_SAMPLES):
            for one in DATASETS[source].make(rng)[0]:
                yield " ".join([*one.fields.values(), one.response])
