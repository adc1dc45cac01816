"""Asks tiny models of tests the same few dialogues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lynx.baselines.adapters.base import Adapter, Inputs
from lynx.baselines.asking import BaselineAsker
from lynx.baselines.pictures import pictures_of
from lynx.evaluation.asking import Said, Turn
from lynx.evaluation.questions import Question

DIALOGUES: list[list[Turn]] = [
    [("what color is the thing?", None)],
    [("how many dogs are there in the image of the thing", None)],
    [("describe the image in detail", "a red dog"), ("what is it", None)],
    [("no", None)],
]


def encoded(adapter: Adapter, asked: Question, turns: Sequence[Turn]) -> Inputs:
    return adapter.encode(turns, pictures_of(asked, adapter.baseline))


def words(adapter: Adapter, inputs: Inputs) -> str:
    """What the model reads, specials included; one letter of each stands for vision tokens."""
    return str(adapter.tokenizer.decode(inputs["input_ids"][0]))


def ask(
    adapter: Adapter, questions: Sequence[Question], row: dict[str, Any], *, seed: int = 0
) -> list[Said]:
    return BaselineAsker(adapter, seed).answers(
        questions, DIALOGUES[: len(questions)], decoding=row, purpose="answer"
    )
