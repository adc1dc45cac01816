"""Tells what kind of answer a question wants: yes or no, a number, or anything else."""

from __future__ import annotations

import re
from typing import Literal

from lynx.evaluation.judges.rule import normalised_answer

AnswerType = Literal["yes/no", "number", "open"]
ANSWER_TYPES: tuple[AnswerType, ...] = ("yes/no", "number", "open")


def answer_type(answer: str) -> AnswerType:
    """By the ground truth, whose alternatives are joined by " or "; all of them must be of it."""
    parts = [normalised_answer(part) for part in re.split(r"\s+or\s+", answer.strip())]
    if all(part.partition(" ")[0] in ("yes", "no") for part in parts):
        return "yes/no"
    if all(re.fullmatch(r"\d+( \d+)*", part) for part in parts):
        return "number"
    return "open"
