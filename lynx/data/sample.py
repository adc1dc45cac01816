"""What a training example is: rounds of a conversation, and the encoded pictures they are about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from lynx.config.errors import LynxError

Kind = Literal["image", "pair", "video", "text"]
Split = Literal["whole", "questions", "dialog"]


class UnreadableSampleError(LynxError):
    """One sample is damaged; the others of its source may be used."""


@dataclass(frozen=True)
class Round:
    """One exchange: `fields` fill the placeholders of a prompt pool's phrasings.

    options: of a multiple choice, `response` among them; they are shuffled whenever the round is
    drawn, numbered, and fill the placeholder `options`.
    """

    fields: Mapping[str, str]
    response: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sample:
    """One training example of a source; `key` is unique within the source.

    images: PNG or JPEG bytes; none for text, one for an image, two for a pair (NLVR2), at least two
        frames in order for a video that is not in `video`.
    video: the bytes of an mp4 or webm file, instead of frames.
    split: how many rows of a source it makes. `whole`: one, all rounds are one conversation.
        `questions`: one per round, each asked alone, so that a picture with ten questions is stored
        once. `dialog`: one per round, the rounds before it being the history (paper, Table 13,
        footnote 6).
    num_history: rounds at the start that are read and not learned.
    """

    key: str
    source: str
    kind: Kind
    rounds: tuple[Round, ...]
    images: tuple[bytes, ...] = ()
    video: bytes | None = None
    split: Split = "whole"
    num_history: int = 0

    @property
    def num_rows(self) -> int:
        """Rows of a source that this sample makes."""
        return 1 if self.split == "whole" else len(self.rounds)

    def row(self, number: int) -> Sample:
        """What is learned in its row `number` (from 0)."""
        if self.split == "whole":
            return self
        if self.split == "questions":
            return replace(self, rounds=self.rounds[number : number + 1])
        return replace(self, rounds=self.rounds[: number + 1], num_history=number)
