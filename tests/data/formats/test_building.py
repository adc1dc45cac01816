"""What `build_source` refuses before it reads, what it counts, and what it says of either."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lynx.config.errors import LynxError
from lynx.config.source_facts import SourceFacts, load_sources
from lynx.data.building import IN_PLACE, NOT_UNICODE, Built, build_source, format_names, reader
from lynx.data.formats.options import check_options
from lynx.data.formats.questions import NO_PICTURE
from lynx.data.shards.reading import ShardedSource
from tests.data.formats.question_files import image, put, put_json, put_visual7w

MINE = SourceFacts(
    "mine",
    title="My questions",
    task="VQA",
    prompts="vqa_short",
    licence="mine",
    format="questions_json",
    options={"file": "mine.json"},
)
FOLDER = replace(MINE, prompts="caption_brief", format="captioned_folder", options={})
RECORD = {"image": "a.jpg", "question": "What is it?", "answer": "A cup"}


def build(facts: SourceFacts, tmp_path: Path, **options: Any) -> Built:
    return build_source(facts, tmp_path / "copy", tmp_path / "shards", options=options)


def put_records(tmp_path: Path, *records: dict[str, Any]) -> None:
    put(tmp_path / "copy/a.jpg", image(1))
    put_json(tmp_path / "copy/mine.json", list(records))


@pytest.mark.parametrize(
    ("facts", "complaint"),
    [
        (replace(MINE, name="my data"), r"source `my data`: shards are named after it; .*digits"),
        (replace(MINE, name="../mine"), r"source `../mine`: shards are named after it"),
        (replace(MINE, prompts="vqa_shrot"), r"`mine`: `prompts`: no prompt pool .*`vqa_short`"),
        (replace(MINE, format=None), r"has no `format:`, .*formats are captioned_folder, capt"),
        (replace(MINE, format="question_json"), r"no format named .*nearest is `questions_json`"),
        (replace(MINE, options={}), r"format questions_json needs the option `file`, a text"),
    ],
)
def test_a_source_that_can_not_be_built_is_refused_before_anything_is_read(
    facts: SourceFacts, complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(LynxError, match=complaint):
        build(facts, tmp_path)  # there is no copy, which would be the next complaint


@pytest.mark.parametrize(
    ("facts", "option", "value", "right"),
    [
        (FOLDER, "plain", "maybe", "true or false"),
        (FOLDER, "plain", 1, "true or false"),
        (FOLDER, "square", "big", "a whole number or null"),
        (FOLDER, "square", True, "a whole number or null"),
        (FOLDER, "held_out_share", "x", "a whole number"),
        (FOLDER, "held_out_share", 0.5, "a whole number"),
        (FOLDER, "held_out_share", None, "a whole number"),
        (MINE, "file", 5, "a text"),
        (MINE, "images", 5, "a text"),
        (replace(MINE, format="vqa_json"), "without_answers", "no", r"a list \(a text each\)"),
        (replace(MINE, format="vqa_json"), "without_answers", [1], r"a list \(a text each\)"),
        (replace(MINE, format="llava_json"), "split", "all", "whole or questions or dialog"),
        (
            replace(MINE, format="label_folders"),
            "replace",
            {"_": 1},
            r"a mapping \(a text: a text\) or null",
        ),
    ],
)
def test_an_option_of_a_wrong_type_says_what_would_be_right(
    facts: SourceFacts, option: str, value: Any, right: str, tmp_path: Path
) -> None:
    place = f"source `mine`: format {facts.format}: the option `{option}` is"
    with pytest.raises(LynxError, match=rf"^{place} .+; it must be {right}$"):
        build(replace(facts, options={}), tmp_path, **{option: value})


def test_the_options_of_every_source_have_the_types_that_its_format_takes() -> None:
    read = [one for one in load_sources().values() if one.format not in (None, IN_PLACE)]
    assert {one.format for one in read} == set(format_names())
    for facts in read:
        check_options(reader(str(facts.format)), facts.options, facts.name)


def test_rows_that_the_prompts_have_no_room_for_are_refused(tmp_path: Path) -> None:
    put_records(tmp_path, RECORD)
    for pool, needed in (
        ("caption_brief", "no placeholder"),
        ("claim", "{hypothesis}"),
        ("multiple_choice", "{options}, {question}"),
    ):
        wanted = f"the pool {pool}, need {needed}; the format gives {{question}} \\(sample a\\)"
        with pytest.raises(LynxError, match=f"source `mine`: its `prompts`, {wanted}"):
            build(replace(MINE, prompts=pool), tmp_path)
    assert not (tmp_path / "shards").exists()
    assert build(MINE, tmp_path).manifest.num_rows == 1


def test_options_need_a_pool_that_shows_them(tmp_path: Path) -> None:
    facts = load_sources()["visual7w_multi_choice"]
    put_visual7w(tmp_path / "copy")
    with pytest.raises(LynxError, match=r"need {question}; the format gives {options}, {question}"):
        build(replace(facts, prompts="vqa_short"), tmp_path)
    assert build(facts, tmp_path).manifest.num_rows == 2


def test_what_is_skipped_comes_with_an_example(tmp_path: Path) -> None:
    put_records(tmp_path, RECORD, RECORD | {"image": "b.jpg"}, RECORD | {"image": "c.jpg"})
    built = build(MINE, tmp_path)
    assert built.skipped == {NO_PICTURE: 2}
    assert built.examples == {NO_PICTURE: str(tmp_path / "copy/b.jpg")}


def test_a_copy_of_which_nothing_can_be_used_says_why(tmp_path: Path) -> None:
    wrong = [RECORD | {"image": "b.jpg"}, RECORD | {"image": "c.jpg"}, RECORD | {"answer": None}]
    put_records(tmp_path, *wrong)
    with pytest.raises(LynxError) as raised:
        build(MINE, tmp_path)
    assert str(raised.value).splitlines() == [
        f"source `mine`: nothing in {tmp_path / 'copy'} can be used; skipped:",
        f"  2 questions whose picture is missing or unreadable, such as {tmp_path / 'copy/b.jpg'}",
        "  1 questions without an answer, such as What is it?",
    ]
    assert not (tmp_path / "shards").exists()


@pytest.mark.parametrize("key", ["question", "answer"])
def test_half_a_surrogate_pair_is_counted_and_the_rest_is_built(key: str, tmp_path: Path) -> None:
    put_records(tmp_path, RECORD, RECORD | {"image": "b.jpg", key: "A \ud800 cup"})
    put(tmp_path / "copy/b.jpg", image(2))
    built = build(MINE, tmp_path)
    assert built.skipped == {NOT_UNICODE: 1}
    assert built.examples == {NOT_UNICODE: "sample b"}
    assert ShardedSource(tmp_path / "shards").read(0).key == "a"
