"""Keeps a conversation about one picture: its turns, with the description that may open it."""

from __future__ import annotations

from dataclasses import dataclass

from lynx.config.seeds import torch_seed
from lynx.evaluation.asking import Turn
from lynx.serving.answering import Answer, Answerer
from lynx.serving.rows import DEFAULT_ROW, Row
from lynx.serving.vision import Vision


@dataclass(frozen=True)
class Conversation:
    """What was said so far about `vision`; another picture begins another conversation.

    The vision tokens stand before the whole dialogue, so there is one picture or video in it.
    """

    vision: Vision | None = None
    turns: tuple[Turn, ...] = ()

    def ask(
        self,
        answerer: Answerer,
        text: str,
        *,
        row: Row = DEFAULT_ROW,
        seed: int = 0,
        describe_first: bool = False,
    ) -> tuple[Conversation, Answer]:
        """The conversation with one more turn, and its answer.

        The same seed gives each turn other random numbers. describe_first: where this is the first
        turn about a picture, the model describes it before, and both are history from then on.
        """
        (answer,) = answerer.answer(
            [[*self.turns, (text, None)]],
            [self.vision],
            row=row,
            seeds=[torch_seed(seed, "turn", len(self.turns))],
            describe_first=describe_first and not self.turns,
        )
        opening = () if answer.description is None else (answer.description,)
        return Conversation(self.vision, (*self.turns, *opening, (text, answer.text))), answer
