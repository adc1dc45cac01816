"""Exported ratings hold everything that statistics elsewhere need."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from lynx.config.errors import LynxError
from lynx.evaluation.people.blinding import shown_order
from lynx.evaluation.people.export import COLUMNS, export
from lynx.evaluation.people.store import RatingStore
from tests.evaluation.people.sheets import make, make_store, rate_all


@pytest.fixture
def store(tmp_path: Path) -> RatingStore:
    store = make_store(tmp_path / "r.sqlite", make(3, dialogue=(1, 2)))
    rate_all(store, "Ben", {"2": [4, 4, 1], "1": [1, 2, 3]})
    rate_all(store, "Änne, B.", {"3": [5, 2, 3]})
    store.rate("Ben", "3", "theirs", 2, click="one-click-alone")
    return store


def test_both_files_hold_the_same_rows_in_the_sheets_order(
    store: RatingStore, tmp_path: Path
) -> None:
    written = export(store, tmp_path / "out")
    assert [path.name for path in written] == ["out.csv", "out.jsonl"]
    with written[0].open(encoding="utf-8", newline="") as stream:
        as_csv = list(csv.DictReader(stream))
    as_json = [json.loads(line) for line in written[1].read_text("utf-8").splitlines()]
    assert [{k: str(v) for k, v in row.items()} for row in as_json] == as_csv
    assert [(r["rater"], r["question_id"], r["model"], r["score"]) for r in as_json] == [
        ("Ben", "1", "ours", 1), ("Ben", "1", "theirs", 2), ("Ben", "1", "third", 3),
        ("Ben", "2", "ours", 4), ("Ben", "2", "theirs", 4), ("Ben", "2", "third", 1),
        ("Ben", "3", "theirs", 2),
        ("Änne, B.", "3", "ours", 5), ("Änne, B.", "3", "theirs", 2), ("Änne, B.", "3", "third", 3),
    ]  # fmt: skip
    assert list(as_json[0]) == list(COLUMNS)
    assert [row["is_finished"] for row in as_json] == [True] * 6 + [False] + [True] * 3
    assert as_json[3]["dialogue"] == "talk" and as_json[3]["category"] == "multi_turn"
    assert as_json[0]["answer"] == "answer of ours to 1"


def test_a_row_tells_where_its_answer_stood(store: RatingStore, tmp_path: Path) -> None:
    (path,) = export(store, tmp_path / "out.jsonl")
    for row in map(json.loads, path.read_text("utf-8").splitlines()):
        order = shown_order(
            ["ours", "theirs", "third"], seed=0, benchmark="owleval", rater=row["rater"],
            question_id=row["question_id"],
        )  # fmt: skip
        assert order[row["place"] - 1] == row["model"]


def test_another_ending_is_refused(store: RatingStore, tmp_path: Path) -> None:
    with pytest.raises(LynxError, match=r"must end in \.csv or \.jsonl"):
        export(store, tmp_path / "out.xlsx")
    assert not list(tmp_path.glob("out*"))


def test_answers_stand_at_every_place_about_equally_often() -> None:
    models = ["a", "b", "c"]
    firsts = [
        shown_order(models, seed=0, benchmark="owleval", rater=rater, question_id=str(q))[0]
        for rater in ("Ana", "Ben")
        for q in range(300)
    ]
    assert all(160 <= firsts.count(model) <= 240 for model in models)


def test_the_order_is_the_raters_own_and_the_same_whenever_asked() -> None:
    def order(rater: str, models: list[str]) -> list[list[str]]:
        return [
            shown_order(models, seed=0, benchmark="owleval", rater=rater, question_id=str(q))
            for q in range(20)
        ]

    assert order("Ana", ["a", "b", "c"]) == order("ana", ["c", "a", "b"])
    assert order("Ana", ["a", "b", "c"]) != order("Ben", ["a", "b", "c"])
