"""Lets a model caption the pictures of samples."""

from __future__ import annotations

from collections.abc import Sequence

from lynx.data.sample import Sample
from lynx.evaluation.asking import Asker, Decoding
from lynx.evaluation.questions import Question

_BATCH = 16  # pictures of one call


def captions(
    asker: Asker, samples: Sequence[Sample], *, prompt: str, decoding: Decoding
) -> list[str]:
    """What the model says to `prompt` about each sample's picture, in order."""
    said: list[str] = []
    for start in range(0, len(samples), _BATCH):
        questions = [
            Question(
                index=start + number, id=one.key, category="caption", question=prompt,
                answer=one.rounds[0].response, kind="image", images=one.images,
            )
            for number, one in enumerate(samples[start : start + _BATCH])
        ]  # fmt: skip
        dialogues = [[(prompt, None)] for _ in questions]
        answers = asker.answers(questions, dialogues, decoding=decoding, purpose="caption")
        said += [answer.text for answer in answers]
    return said
