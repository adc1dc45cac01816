"""Makes sheets to be rated, and stores that hold ratings, for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path

from lynx.evaluation.people.sheet import Sheet, make_sheet
from lynx.evaluation.people.store import RatingStore
from lynx.evaluation.people.tie_rules import TieRules
from lynx.evaluation.questions import Question
from tests.fabricated import png

MODELS = ("ours", "theirs", "third")
_clicks = count()


def click() -> str:
    """An id that no other click of this process has."""
    return f"click-{next(_clicks):06d}"


def make_questions(number: int = 4, *, dialogue: Sequence[int] = ()) -> list[Question]:
    """Questions "1", "2", ...; those at the places of `dialogue` are one dialogue."""
    return [
        Question(
            index=place,
            id=str(place + 1),
            category="multi_turn" if place in dialogue else "single_turn",
            question=f"what is {place + 1}?",
            answer="",
            kind="image",
            images=(png(250 if place in dialogue else place),),
            image_name=f"{place + 1}.png",
            dialogue="talk" if place in dialogue else "",
        )
        for place in range(number)
    ]


def make(
    number: int = 4,
    *,
    models: Sequence[str] = MODELS,
    dialogue: Sequence[int] = (),
    silent: Mapping[str, Sequence[str]] | None = None,
) -> Sheet:
    """A sheet of `number` questions. silent: by model, ids to which it has no answer."""
    questions = make_questions(number, dialogue=dialogue)
    answers = {
        model: {
            q.id: f"answer of {model} to {q.id}"
            for q in questions
            if q.id not in (silent or {}).get(model, ())
        }
        for model in models
    }
    return make_sheet("owleval", questions, answers, {model: f"runs/{model}" for model in models})


def make_store(path: Path, sheet: Sheet | None = None, **rules: int) -> RatingStore:
    """A store of the sheet; `rules` are those of TieRules."""
    return RatingStore.create(path, sheet or make(), TieRules(**rules))


def rate_all(
    store: RatingStore, rater: str, scores: Mapping[str, Sequence[int]] | Sequence[Sequence[int]]
) -> None:
    """Give every question's answers their scores, in the order of the sheet's models."""
    name = store.add_rater(rater)
    given = scores if isinstance(scores, Mapping) else dict(
        zip((item.id for item in store.sheet.items), scores, strict=False)
    )  # fmt: skip
    for question_id, values in given.items():
        for model, value in zip(store.sheet.models, values, strict=True):
            store.rate(name, question_id, model, value, click=click())
