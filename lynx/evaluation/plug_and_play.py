"""Plug-and-play (paper 3.2): the model describes the picture first, and answers after that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lynx.evaluation.asking import Answering, Decoding, Turn
from lynx.evaluation.questions import Question

Source = Literal["own", "another", "caption"]


@dataclass(frozen=True)
class Description:
    """Round zero: what is asked for, the starred row of Table 9 that decodes it, and whose it is.

    source: "own" is the paper's. "another" (what the model says about another question's picture)
    and "caption" (a true one) tell content from context and length.
    """

    prompt: str
    decoding: Decoding
    source: Source = "own"


@dataclass(frozen=True)
class Answer:
    """What the model said; `description` is None without round zero."""

    prediction: str
    description: str | None
    num_tokens: int | None  # of the prediction


def ask(
    asker: Answering,
    questions: Sequence[Question],
    prompts: Sequence[str],
    *,
    decoding: Decoding,
    description: Description | None,
    described: Sequence[Question] | None = None,
    histories: Sequence[Sequence[Turn]] | None = None,
) -> list[Answer]:
    """Answer one batch; `prompts` are what the user says, one per question.

    described: the questions whose pictures are described, where these are another's. histories:
    what was said before in each question's dialogue, after the description.
    """
    before: list[list[Turn]] = [[] for _ in questions]
    texts: list[str | None] = [None] * len(questions)
    if description is not None:
        texts = [*_descriptions(asker, described or questions, description)]
        before = [[(description.prompt, text)] for text in texts]
    if histories is not None:
        before = [[*first, *said] for first, said in zip(before, histories, strict=True)]
    dialogues = [[*said, (prompt, None)] for said, prompt in zip(before, prompts, strict=True)]
    answers = asker.answers(questions, dialogues, decoding=decoding, purpose="answer")
    return [
        Answer(said.text, text, said.num_tokens)
        for said, text in zip(answers, texts, strict=True)
    ]  # fmt: skip


def _descriptions(
    asker: Answering, questions: Sequence[Question], description: Description
) -> list[str]:
    if description.source == "caption":
        return [question.caption for question in questions]
    requests = [[(description.prompt, None)] for _ in questions]
    said = asker.answers(
        questions, requests, decoding=description.decoding, purpose="description"
    )  # fmt: skip
    return [one.text for one in said]
