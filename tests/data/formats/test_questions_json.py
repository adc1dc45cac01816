"""Anyone's own JSON file of questions is read by the keys that its options name."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from lynx.config.errors import LynxError
from lynx.data.formats.questions import NO_ANSWER, NO_PICTURE, NO_QUESTION, NOT_TEXT
from lynx.data.formats.questions_json import read
from lynx.data.formats.skipped import Skipped
from lynx.data.sample import Round, Sample
from tests.data.formats.question_files import image, put, put_json


def read_own(root: Path, skipped: Counter[str] | None = None, **options: Any) -> list[Sample]:
    counted: Counter[str] = Counter() if skipped is None else skipped
    return list(read(root, source="mine", skipped=counted, **options))


def put_pictures(root: Path, *names: str) -> None:
    for number, name in enumerate(names):
        put(root / name, image(number))


RECORDS: list[dict[str, Any]] = [
    {"image": "a.jpg", "question": "What is it", "answer": "A cup"},
    {"image": "b.jpg", "question": "How many?", "answer": ["2", "three", "three"]},
    {"image": "a.jpg", "question": "Is it full?", "answer": "no"},
]
EXPECTED = [
    Sample(
        "a",
        "mine",
        "image",
        (Round({"question": "What is it?"}, "A cup"), Round({"question": "Is it full?"}, "no")),
        (image(0),),
        split="questions",
    ),
    Sample(
        "b",
        "mine",
        "image",
        (Round({"question": "How many?"}, "three"),),
        (image(1),),
        split="questions",
    ),
]


def test_a_list_and_a_file_of_lines_give_the_same(tmp_path: Path) -> None:
    put_pictures(tmp_path, "a.jpg", "b.jpg")
    put_json(tmp_path / "mine.json", RECORDS)
    put(tmp_path / "mine.jsonl", "".join(json.dumps(record) + "\n\n" for record in RECORDS))
    put_json(tmp_path / "ids.json", {str(n): record for n, record in enumerate(RECORDS)})
    for file in ("mine.json", "mine.jsonl", "ids.json"):
        assert read_own(tmp_path, file=file) == EXPECTED


def test_keys_folder_and_field_are_chosen_by_options(tmp_path: Path) -> None:
    put(tmp_path / "pictures/000007.jpg", image(7))
    record = {"id": 7, "q": "Who is it?", "labels": [{"answer": "Ann"}, {"answer": "Ann"}]}
    put_json(tmp_path / "sets/mine.json", {"version": 1, "rows": [record]})
    (sample,) = read_own(
        tmp_path,
        file="sets/mine.json",
        list_key="rows",
        images="pictures",
        image_key="id",
        picture="{:06d}.jpg",
        question_key="q",
        answer_key="labels",
        field="text",
    )
    assert (sample.key, sample.images) == ("000007", (image(7),))
    assert sample.rounds == (Round({"text": "Who is it?"}, "Ann"),)


def test_what_can_not_be_used_is_counted(tmp_path: Path) -> None:
    put_pictures(tmp_path, "a.jpg")
    put(tmp_path / "broken.jpg", b"no picture")
    records = [
        *RECORDS,
        {"image": "broken.jpg", "question": "What?", "answer": "x"},
        {"image": "a.jpg", "question": "  ", "answer": "x"},
        {"image": "a.jpg", "question": "Why?", "answer": []},
        {"image": "a.jpg", "question": "Why not?", "answer": None},
        {"image": "a.jpg", "question": "How many?", "answer": 3},
    ]
    put_json(tmp_path / "mine.json", records)
    skipped = Counter[str]()
    (sample,) = read_own(tmp_path, skipped, file="mine.json")
    assert [one.response for one in sample.rounds] == ["A cup", "no", "3"]
    assert skipped == {NO_PICTURE: 2, NO_QUESTION: 1, NO_ANSWER: 2}


def test_pictures_whose_names_no_key_can_hold_get_keys_of_their_own(tmp_path: Path) -> None:
    names = ["犬.jpg", "猫.jpg", f"{'x' * 90}.jpg", f"y{'x' * 90}.jpg"]
    put_pictures(tmp_path, *names)
    put_json(tmp_path / "mine.json", [RECORDS[0] | {"image": name} for name in names])
    keys = [sample.key for sample in read_own(tmp_path, file="mine.json")]
    assert len(set(keys)) == len(names)
    assert max(map(len, keys)) <= 80


@pytest.mark.parametrize(
    ("content", "options", "complaint"),
    [
        ({"file": RECORDS}, {"list_key": "rows"}, r"mine.json: has no `rows`; it has"),
        (
            RECORDS,
            {"answer_key": "label"},
            r"record 1: has no `label`; nearest is `\w+`; it has \['image",
        ),
        (RECORDS, {"file": "other.json"}, r"has no other.json"),
        (RECORDS, {"images": "pictures"}, r"has no pictures"),
        (RECORDS, {"picture": "{:06d}.jpg"}, r"`picture`, '{:06d}.jpg', makes no file name of 'a"),
        ("text", {}, r"mine.json: str is no list of questions"),
        ([RECORDS[0], {"image": "a.jpg"}], {}, r"mine.json: record 2: has no `question`"),
        ({"id7": {"question": "What?"}}, {}, r"mine.json: record 'id7': has no `answer`"),
        ([RECORDS[0] | {"answer": [["x"]]}], {}, r"mine.json: record 1: \['x'\] is no answer"),
        (
            [RECORDS[0] | {"answer": {"text": "x"}}],
            {},
            r"record 1: has no `answer`; it has \['text'\]",
        ),
        (
            [["a.jpg", "What?", "x"]],
            {},
            r"record 1: has no `question`; it is of type list",
        ),
    ],
)
def test_a_file_that_is_not_as_the_options_say_is_named(
    content: Any, options: dict[str, str], complaint: str, tmp_path: Path
) -> None:
    put_pictures(tmp_path, "a.jpg", "b.jpg")
    put_json(tmp_path / "mine.json", content)
    with pytest.raises(LynxError, match=complaint):
        read_own(tmp_path, **({"file": "mine.json"} | options))


def test_what_is_neither_text_nor_number_is_counted_with_an_example(tmp_path: Path) -> None:
    put_pictures(tmp_path, "a.jpg")
    wrong = [("What?", True), (["What?"], "x"), ({"text": "What?"}, "x"), (7.5, "seven")]
    missing = [("Why?", float("nan")), (None, "x")]
    records = [{"image": "a.jpg", "question": q, "answer": a} for q, a in (*wrong, *missing)]
    put_json(tmp_path / "mine.json", records)
    skipped = Skipped()
    (sample,) = read_own(tmp_path, skipped, file="mine.json")
    assert sample.rounds == (Round({"question": "7.5?"}, "seven"),)
    assert skipped == {NOT_TEXT: 3, NO_ANSWER: 1, NO_QUESTION: 1}
    assert skipped.examples[NOT_TEXT] == "'What?', answered [True]"
    assert skipped.examples[NO_ANSWER] == "Why?"


def test_names_that_no_file_can_have_are_missing_pictures(tmp_path: Path) -> None:
    put_pictures(tmp_path, "a.jpg")
    names = ["a.jpg", "a\0.jpg", "\ud800.jpg", "b.jpg"]
    put_json(tmp_path / "mine.json", [RECORDS[0] | {"image": name} for name in names])
    skipped = Skipped()
    assert [sample.key for sample in read_own(tmp_path, skipped, file="mine.json")] == ["a"]
    assert skipped == {NO_PICTURE: 3}
    assert skipped.examples == {NO_PICTURE: f"{tmp_path}/a\\0.jpg"}


def test_lines_in_a_file_named_json_are_told_what_name_they_need(tmp_path: Path) -> None:
    put(tmp_path / "mine.json", "".join(json.dumps(record) + "\n" for record in RECORDS))
    with pytest.raises(LynxError, match=r"mine.json: not readable as JSON: .*ends in \.jsonl"):
        read_own(tmp_path, file="mine.json")
