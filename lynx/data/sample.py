"""What a training example is: rounds of a conversation, and the encoded pictures they are about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from lynx.config.errors import LynxError

Kind = Literal["image", "video", "text"]


class UnreadableSampleError(LynxError):
    """One sample is damaged; the others of its source may be used."""


@dataclass(frozen=True)
class Round:
    """One exchange: `fields` fill the placeholders of a prompt pool's phrasings."""

    fields: Mapping[str, str]
    response: str


@dataclass(frozen=True)
class Sample:
    """One training example of a source; `key` is unique within the source.

    images: PNG or JPEG bytes; none for text, one for an image, the frames in order for a video.
    """

    key: str
    source: str
    kind: Kind
    rounds: tuple[Round, ...]
    images: tuple[bytes, ...]
