"""The documents that each language model of the desk reads in training and in its gate."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lynx.config.prompt_pools import load_pools
from lynx.config.seeds import python_random
from lynx.world import chat, corpus
from lynx.world.corpus import Segment
from lynx.world.datasets import DATASETS

NUM_QUESTIONS = 12  # about one scene: dense look-ups are what small language models learn from
_FEW_THINGS = (1, 2, 2)
_MENTION_SHARE = 0.15  # of plain documents: a sentence with the words that prompts are made of
_TOKENIZER_DOCUMENTS, _TOKENIZER_SAMPLES = 3000, 100


@dataclass(frozen=True)
class Lesson:
    """A part of LLaMA's training, with a learning rate that rises and falls once.

    What a small model looks up early (labelled facts, the word that follows) it learns from all
    questions evenly; which colour belongs to which shape, and relations, it learns only from text
    that asks for little else (docs/log.md).
    """

    stream: str  # of its random choices
    num_steps: int
    learning_rate: float
    easy_share: float = 0.0  # of the steps, in which scenes with few things give way to all
    shape_first: tuple[str, ...] = ()  # facts also stated with the shape in front
    families: tuple[str, ...] = ()  # asked alone in most documents; () for all families
    focus_share: float = 0.0  # of the documents
    keyword_share: float = 0.0  # of the documents: the scene as a list of words


_BINDING = ("color", "column", "row", "left_of", "above", "shape_of_color", "same_color")
_COUNTS = ("count_color", "count_shape", "count_all")
LESSONS = (
    Lesson("backbones/llama", 1100, 3.0e-3, easy_share=0.15),
    Lesson(
        "backbones/llama/binding",
        700,
        2.0e-3,
        shape_first=("color", "column", "row"),
        families=_BINDING,
        focus_share=0.75,
    ),
    Lesson(
        "backbones/llama/relations",
        600,
        2.0e-3,
        shape_first=("color", "column", "row"),
        families=(*_BINDING, *_COUNTS, "left_of", "above", *["event_yes_no"] * 3, "action_yes_no"),
        focus_share=0.6,
    ),
    Lesson(
        "backbones/llama/keywords",
        400,
        1.5e-3,
        shape_first=("color", "column", "row"),
        families=(*_BINDING, *_COUNTS, *["event_yes_no"] * 8, "action_yes_no"),
        focus_share=0.5,
        keyword_share=0.5,
    ),
)


class PlainDocuments:
    """LLaMA's text: prose about scenes, and now and then how people put a request, unanswered."""

    def __init__(self, phrases: Sequence[str], lesson: Lesson) -> None:
        self._phrases = phrases
        self._lesson = lesson

    def __call__(self, rng: random.Random, share: float) -> list[Segment]:
        """A document, when `share` of the lesson's steps are done."""
        lesson = self._lesson
        is_easy = lesson.easy_share > 0 and rng.random() > share / lesson.easy_share
        num_things = rng.choice(_FEW_THINGS) if is_easy else None
        is_focused = bool(lesson.families) and rng.random() < lesson.focus_share
        document = corpus.plain_document(
            rng,
            num_questions=NUM_QUESTIONS,
            num_things=num_things,
            shape_first=lesson.shape_first,
            families=lesson.families if is_focused else None,
            keyword_share=lesson.keyword_share,
        )
        if rng.random() < _MENTION_SHARE:
            mention = " ".join(rng.sample(self._phrases, 2))
            document.insert(0, Segment(mention, False))
        return document


def chat_document(rng: random.Random, _share: float) -> list[Segment]:
    """Vicuna's text: conversations about scenes that are described in words."""
    return chat.chat_document(rng, num_questions=NUM_QUESTIONS)


def plain_test(rng: random.Random) -> list[Segment]:
    """A document of the gate for LLaMA: all answers are asked for in the layouts it has read."""
    last = LESSONS[-1]
    return corpus.plain_document(
        rng,
        num_questions=NUM_QUESTIONS,
        shape_first=last.shape_first,
        keyword_share=last.keyword_share,
    )


def chat_test(rng: random.Random) -> list[Segment]:
    """A document of the gate for Vicuna."""
    return chat.chat_document(rng, num_questions=NUM_QUESTIONS)


def prompt_phrases() -> list[str]:
    """Every training phrasing of every prompt pool without its placeholders, for their words."""
    phrases = {
        re.sub(r"\{\w+\}", " ", phrase) for pool in load_pools().values() for phrase in pool.plain
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
