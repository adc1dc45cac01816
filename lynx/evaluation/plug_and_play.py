"""Plug-and-play (paper 3.2): the model describes the picture first, and answers after that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lynx.evaluation.asking import Asker, Decoding
from lynx.evaluation.questions import Question


@dataclass(frozen=True)
class Description:
    """Round zero: what is asked for, and the starred row of Table 9 that decodes it."""

    prompt: str
    decoding: Decoding


@dataclass(frozen=True)
class Answer:
    """What the model said; `description` is None without round zero."""

    prediction: str
    description: str | None


def ask(
    asker: Asker,
    questions: Sequence[Question],
    prompts: Sequence[str],
    *,
    decoding: Decoding,
    description: Description | None,
) -> list[Answer]:
    """Answer one batch; `prompts` are what the user says, one per question."""
    described: list[str | None] = [None] * len(questions)
    if description is not None:
        requests = [[(description.prompt, None)] for _ in questions]
        described = [
            *asker.answers(
                questions, requests, decoding=description.decoding, purpose="description"
            )
        ]
    dialogues = [
        [(prompt, None)] if description is None else [(description.prompt, text), (prompt, None)]
        for prompt, text in zip(prompts, described, strict=True)
    ]
    predictions = asker.answers(questions, dialogues, decoding=decoding, purpose="answer")
    return [Answer(*pair) for pair in zip(predictions, described, strict=True)]
