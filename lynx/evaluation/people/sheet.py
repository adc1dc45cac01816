"""What is given to raters: a benchmark's questions with the answers of several models."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image

from lynx.config.errors import LynxError
from lynx.evaluation.questions import Question

_GAP = 4  # pixels between a video's frames
_MIN_MODELS = 2  # a score says how an answer stands among the others


@dataclass(frozen=True)
class Item:
    """One question with the answers to be rated; a model without an answer is not in `answers`."""

    id: str
    question: str
    category: str
    picture: str  # name of the picture's content
    image_name: str
    dialogue: str  # name shared by the questions of a dialogue, which stand in order; or ""
    answers: dict[str, str]  # by model

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """Models by answer: those that say the same (spaces aside) stand together.

        An answer is shown once and scored once, whoever gave it: the rules about ties must not make
        a rater call one of two equal texts the better. Sorted, so that the order tells nothing.
        """
        by_text: dict[str, list[str]] = {}
        for model in sorted(self.answers):
            by_text.setdefault(" ".join(self.answers[model].split()), []).append(model)
        return tuple(tuple(models) for models in by_text.values())

    def by_answer(self, scores: Mapping[str, int]) -> dict[str, int]:
        """The scores of the different answers, each by the first model of its group."""
        return {group[0]: scores[group[0]] for group in self.groups if group[0] in scores}


@dataclass(frozen=True)
class Sheet:
    """Everything that raters see, and the names that they don't."""

    benchmark: str
    models: tuple[str, ...]  # in the order in which they were given
    origins: dict[str, str]  # where each model's answers come from
    items: tuple[Item, ...]
    pictures: dict[str, bytes]  # by Item.picture

    def unanswered(self, model: str) -> list[str]:
        """Ids of the questions to which the model has no answer."""
        return [item.id for item in self.items if model not in item.answers]


def make_sheet(
    benchmark: str,
    questions: Sequence[Question],
    answers: Mapping[str, Mapping[str, str]],
    origins: Mapping[str, str],
) -> Sheet:
    """Put answers beside their questions. answers: by model, then by question id."""
    if len(answers) < _MIN_MODELS:
        raise LynxError(
            f"{len(answers)} model is too few to be rated: a score says how an answer stands among "
            f"others; name at least {_MIN_MODELS} runs or files of answers (--answers NAME=FILE)"
        )
    for model, given in answers.items():
        if not any(question.id in given for question in questions):
            raise LynxError(f"{origins[model]} answers none of the questions of {benchmark}")
    return Sheet(
        benchmark=benchmark,
        models=tuple(answers),
        origins=dict(origins),
        items=tuple(
            Item(
                id=q.id,
                question=q.question,
                category=q.category,
                picture=q.picture,
                image_name=q.image_name,
                dialogue=q.dialogue,
                answers={m: given[q.id] for m, given in answers.items() if q.id in given},
            )
            for q in questions
            if any(q.id in given for given in answers.values())
        ),
        pictures={q.picture: _as_one(q.images) for q in questions},
    )


def _as_one(images: Sequence[bytes]) -> bytes:
    """A picture as it is; a video's frames side by side, since an answer is about all of them."""
    if len(images) == 1:
        return images[0]
    frames = [Image.open(io.BytesIO(image)).convert("RGB") for image in images]
    height = max(frame.height for frame in frames)
    width = sum(frame.width for frame in frames) + _GAP * (len(frames) - 1)
    strip = Image.new("RGB", (width, height), "white")
    left = 0
    for frame in frames:
        strip.paste(frame, (left, 0))
        left += frame.width + _GAP
    stream = io.BytesIO()
    strip.save(stream, "PNG")
    return stream.getvalue()


def first_change(old: Sheet, new: Sheet) -> str | None:
    """The first thing that raters of `old` saw otherwise than they would in `new`; None: nothing.

    Where answers come from and the order of models may differ: raters see neither.
    """
    if old.benchmark != new.benchmark:
        return f"benchmark {old.benchmark}, not {new.benchmark}"
    if set(old.models) != set(new.models):
        return f"models {', '.join(old.models)}; now {', '.join(new.models)}"
    if [item.id for item in old.items] != [item.id for item in new.items]:
        return "other questions"
    for before, after in zip(old.items, new.items, strict=True):
        if before != after:
            return f"question {before.id} or an answer to it has changed since"
    return None
