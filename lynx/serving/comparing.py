"""Asks one or more runs the same question, each in its own conversation: what the page shows."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from lynx.config.errors import LynxError
from lynx.serving.answering import Answer, Answerer
from lynx.serving.conversation import Conversation
from lynx.serving.rows import DEFAULT_ROW, Row, decoding_of
from lynx.serving.vision import Source, Vision, see

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Side:
    """One run's conversation and its last answer; `error` is why there is none."""

    conversation: Conversation = field(default_factory=Conversation)
    answer: Answer | None = None
    error: str | None = None


@dataclass(frozen=True)
class Comparison:
    """The same conversation held with each of the runs."""

    answerers: Sequence[Answerer]
    sides: tuple[Side, ...]

    @staticmethod
    def of(answerers: Sequence[Answerer], vision: Vision | None = None) -> Comparison:
        """Nothing said yet."""
        return Comparison(answerers, tuple(Side(Conversation(vision)) for _ in answerers))

    def ask(
        self, text: str, *, row: Row = DEFAULT_ROW, seed: int = 0, describe_first: bool = False
    ) -> Comparison:
        """With one more turn on each side, with the same random numbers.

        Where one side fails, its error stands there and no side keeps the turn, so that the
        histories stay comparable. A mistake of the user's is a LynxError.
        """
        if not text.strip():
            raise LynxError("write a question first")
        for answerer in self.answerers:
            decoding_of(answerer.rows, row)
        sides = tuple(
            _asked(side.conversation, answerer, text.strip(), row=row, seed=seed,
                   describe_first=describe_first)
            for side, answerer in zip(self.sides, self.answerers, strict=True)
        )  # fmt: skip
        if any(side.error for side in sides):
            sides = tuple(
                Side(old.conversation, new.answer, new.error)
                for old, new in zip(self.sides, sides, strict=True)
            )
        return Comparison(self.answerers, sides)


def load_vision(
    source: Source | None, *, kind: Literal["image", "video"], answerers: Sequence[Answerer]
) -> Vision | None:
    """What all the runs see; a video as so many frames as the least of them takes."""
    if source is None:
        return None
    return see(source, num_frames=min(one.num_frames for one in answerers), kind=kind)


def _asked(conversation: Conversation, answerer: Answerer, text: str, **options: Any) -> Side:
    try:
        return Side(*conversation.ask(answerer, text, **options))
    except Exception as error:  # anything: the page shows it, and the log has where it was
        _log.exception("%s could not answer", answerer.name)
        return Side(conversation, None, f"{type(error).__name__}: {error}")
