"""Turns a dialogue into the text that a model was trained to go on with."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # tables read templates, and need no torch
    from lynx.evaluation.asking import Turn

_FIELD = re.compile(r"\{(picture|prompt|answer)\}")


@dataclass(frozen=True)
class Template:
    """The forms of a model's prompts; fields in braces are replaced.

    prompt: of the last turn, with {prompt}. round: of an earlier turn, with {prompt} and {answer}.
    picture: what stands for one picture at {picture}, which is filled in the first turn only and
    is empty without pictures. A family that puts its pictures before the text has no {picture}.
    """

    prompt: str
    round: str
    picture: str = ""

    def __post_init__(self) -> None:
        for name, fields in (("prompt", ["{prompt}"]), ("round", ["{prompt}", "{answer}"])):
            for one in fields:
                if one not in getattr(self, name):
                    raise ValueError(f"`{name}` has no {one}")
        if self.picture and not all("{picture}" in form for form in (self.prompt, self.round)):
            raise ValueError("`prompt` and `round` need {picture}, as `picture` says what it is")

    def text(self, turns: Sequence[Turn], *, num_pictures: int) -> str:
        """The dialogue's text; its last turn has no answer yet."""
        parts = []
        for number, (said, answer) in enumerate(turns):
            fields = {
                "picture": self.picture * num_pictures if number == 0 else "",
                "prompt": said,
                "answer": answer or "",
            }
            parts.append(_filled(self.prompt if answer is None else self.round, fields))
        return "".join(parts)


def _filled(form: str, fields: Mapping[str, str]) -> str:
    """In one pass, so that braces in what is filled in stay as they are."""
    return _FIELD.sub(lambda match: fields[match[1]], form)


def as_words(text: str, tokens: Sequence[str]) -> str:
    """The text with a space inside whatever would be read as one of the special `tokens`."""
    for token in tokens:
        text = text.replace(token, f"{token[:1]} {token[1:]}")
    return text
