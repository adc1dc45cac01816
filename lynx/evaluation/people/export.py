"""Writes all ratings of a store as CSV or JSON lines, a row per score."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from lynx.config.errors import LynxError
from lynx.evaluation.people.blinding import shown_order
from lynx.evaluation.people.store import RatingStore
from lynx.tracking.files import write_text_atomic

COLUMNS = (
    "benchmark", "rater", "question_id", "category", "image_name", "dialogue", "question", "model",
    "place", "score", "is_finished", "rated_at", "answer",
)  # fmt: skip
_ENDINGS = (".csv", ".jsonl")


def rows(store: RatingStore) -> list[dict[str, Any]]:
    """A mapping of COLUMNS per score.

    place: 1 for the answer that stood first on the rater's page; models with the same words share
    one. is_finished: whether the rater has
    scored all answers to the question; statistics leave the others out.
    """
    sheet = store.sheet
    items = {item.id: item for item in sheet.items}
    by_rater = {rater: store.scores_of(rater) for rater in store.raters()}
    out = []
    for score in store.scores():
        item = items[score.question_id]
        order = shown_order(
            [group[0] for group in item.groups], seed=store.seed,
            benchmark=sheet.benchmark, rater=score.rater, question_id=item.id,
        )  # fmt: skip
        place = 1 + next(order.index(g[0]) for g in item.groups if score.model in g)
        values = (
            sheet.benchmark, score.rater, item.id, item.category, item.image_name, item.dialogue,
            item.question, score.model, place, score.value,
            len(by_rater[score.rater].get(item.id, {})) == len(item.answers), score.rated_at,
            item.answers[score.model],
        )  # fmt: skip
        out.append(dict(zip(COLUMNS, values, strict=True)))
    return out


def export(store: RatingStore, path: Path) -> list[Path]:
    """Write `path`, as its ending says; a path without an ending stands for .csv and .jsonl both.

    Gives what was written.
    """
    if path.suffix and path.suffix not in _ENDINGS:
        raise LynxError(f"--export {path}: the name must end in .csv or .jsonl, or have no ending")
    paths = [path] if path.suffix else [path.with_suffix(ending) for ending in _ENDINGS]
    content = rows(store)
    for target in paths:
        write_text_atomic(target, _csv(content) if target.suffix == ".csv" else _jsonl(content))
    return paths


def _csv(content: list[dict[str, Any]]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(content)
    return stream.getvalue()


def _jsonl(content: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in content)
