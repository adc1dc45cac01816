"""What single formats of questions about pictures make of odd files, and how text is cleaned."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from lynx.config.errors import LynxError
from lynx.config.source_facts import load_source
from lynx.data.formats.questions import NO_ANSWER, NO_QUESTION, clean_question, most_frequent
from lynx.data.formats.vqa_json import LEFT_OUT
from lynx.data.sample import Round
from tests.data.formats.question_copies import COPIES, asked_and_answered, read
from tests.data.formats.question_files import (
    ANNOTATIONS,
    V2_QUESTIONS,
    image,
    put,
    put_json,
    put_nlvr2,
    put_ocrvqa,
    put_visual7w,
    ten,
)


def test_questions_get_their_question_mark_and_orders_stay() -> None:
    assert clean_question(" what is\n this ") == "what is this?"
    assert clean_question("What is this?") == "What is this?"
    assert clean_question('Does it say "stop?"') == 'Does it say "stop?"'
    assert clean_question('Does it say "stop"') == 'Does it say "stop"?'
    assert clean_question("Name the city.") == "Name the city."
    assert clean_question("  ") == ""


def test_the_most_frequent_answer_is_taken_and_the_first_of_equals() -> None:
    assert most_frequent(["a", "b", " b ", "a", "b"]) == "b"
    assert most_frequent(["red", "blue", "blue", "red"]) == "red"
    assert most_frequent(["", " ", "x"]) == "x"
    assert most_frequent([]) == ""


def test_the_absurd_questions_of_tdiuc_are_counted_and_left_out(tmp_path: Path) -> None:
    COPIES["tdiuc"].write(tmp_path)
    path = tmp_path / "Annotations" / ANNOTATIONS
    content = json.loads(path.read_text())
    content["annotations"][0]["answers"] = ten("doesnotapply")
    put_json(path, content)
    skipped = Counter[str]()
    samples = read(load_source("tdiuc"), tmp_path, skipped)
    assert skipped == {LEFT_OUT: 1}
    assert asked_and_answered(samples[0]) == [("What color is the cat?", "grey")]


def test_questions_without_text_or_answer_are_counted(tmp_path: Path) -> None:
    COPIES["vqav2"].write(tmp_path)
    questions = json.loads((tmp_path / V2_QUESTIONS).read_text())
    questions["questions"][0]["question"] = " "
    questions["questions"][1]["question_id"] = 5  # nobody answered it
    put_json(tmp_path / V2_QUESTIONS, questions)
    skipped = Counter[str]()
    samples = read(load_source("vqav2"), tmp_path, skipped)
    assert skipped == {NO_QUESTION: 1, NO_ANSWER: 1}
    assert [one.response for sample in samples for one in sample.rounds] == ["2"]


def test_a_multiple_choice_has_the_right_answer_among_its_options(tmp_path: Path) -> None:
    put_visual7w(tmp_path)
    (sample,) = read(load_source("visual7w_multi_choice"), tmp_path)
    assert [one.options for one in sample.rounds] == [
        ("Wood.", "Tile.", "Carpet.", "Cement."),
        ("Nobody.", "A man.", "A boy."),
    ]
    (told,) = read(load_source("visual7w"), tmp_path)
    assert [one.options for one in told.rounds] == [(), ()]


def test_visual7w_is_found_by_the_name_that_its_toolkit_gives_it(tmp_path: Path) -> None:
    put_visual7w(tmp_path)
    expected = read(load_source("visual7w"), tmp_path)
    (tmp_path / "dataset_v7w_telling.json").rename(tmp_path / "dataset.json")
    assert read(load_source("visual7w"), tmp_path) == expected


def test_other_splits_of_visual7w_are_read_where_they_are_asked_for(tmp_path: Path) -> None:
    put_visual7w(tmp_path)
    facts = replace(load_source("visual7w"), options={"splits": ["train", "val", "test"]})
    assert [s.key for s in read(facts, tmp_path)] == ["v7w_2323054", "v7w_7", "v7w_8"]


def test_covers_are_found_by_either_ending_and_gifs_become_pngs(tmp_path: Path) -> None:
    put_ocrvqa(tmp_path)
    facts = load_source("ocrvqa")
    assert read(facts, tmp_path)[1].images[0].startswith(b"\x89PNG")
    (tmp_path / "images/142153990X.gif").unlink()
    put(tmp_path / "images/142153990X.jpg", image(9))
    assert read(facts, tmp_path)[1].images == (image(9),)


def test_a_book_with_more_questions_than_answers_is_named(tmp_path: Path) -> None:
    put_ocrvqa(tmp_path)
    content = json.loads((tmp_path / "dataset.json").read_text())
    content["761183272"]["answers"] = ["Sandra Boynton"]
    put_json(tmp_path / "dataset.json", content)
    with pytest.raises(LynxError, match=r"dataset.json: 761183272 has 2 questions and 1 answers"):
        read(load_source("ocrvqa"), tmp_path)


def test_the_left_picture_of_a_pair_comes_first(tmp_path: Path) -> None:
    put_nlvr2(tmp_path)
    samples = read(load_source("nlvr2"), tmp_path)
    assert [sample.images for sample in samples] == [
        (image(10), image(11)),
        (image(60), image(61)),
    ]
    assert samples[1].rounds == (Round({"hypothesis": "Both pictures show a dog."}, "True"),)


def test_a_claim_that_is_neither_true_nor_false_is_named(tmp_path: Path) -> None:
    put_nlvr2(tmp_path)
    text = (tmp_path / "train.json").read_text().replace('"False"', '"maybe"')
    put(tmp_path / "train.json", text)
    with pytest.raises(LynxError, match=r"train.json: record 1: the label 'maybe' is neither"):
        read(load_source("nlvr2"), tmp_path)
