"""Datasets of captioned pictures are read from copies in the layouts that owners publish."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from lynx.config.errors import LynxError
from lynx.config.files import read_mapping
from lynx.config.paths import from_root
from lynx.config.source_facts import SOURCES, load_source
from lynx.data.building import IN_PLACE, reader
from lynx.data.formats.flickr_captions import NO_CAPTION_LINE
from lynx.data.formats.options import format_options
from lynx.data.formats.pictured_texts import NO_TEXT
from tests.data.formats.caption_copies import put_coco, put_minigpt4, put_pexels
from tests.data.formats.pictured_copies import (
    put_json,
    put_pictures,
    put_text,
    read_source,
    responses,
)

SOURCE_NAMES = [
    name
    for file in ("captions", "classification", "noisy_pairs")
    for name in read_mapping(from_root(f"{SOURCES}/{file}.yaml"))["sources"]
]


def test_all_captions_make_a_row_each_and_store_the_picture_once(tmp_path: Path) -> None:
    put_coco(tmp_path)
    first, second = read_source("coco_caption", tmp_path, captions="all")
    assert (first.num_rows, second.num_rows) == (1, 2)  # an empty caption is none
    assert [second.row(n).rounds[0].response for n in (0, 1)] == [
        "A giraffe eats.",
        "Two giraffes.",
    ]
    with pytest.raises(LynxError, match=r"`captions` is 'frist'; it can be first, all"):
        read_source("coco_caption", tmp_path, captions="frist")


def test_a_picture_without_a_caption_is_counted(tmp_path: Path) -> None:
    put_minigpt4(tmp_path)
    annotations = [{"image_id": "2", "caption": " "}, {"image_id": "3", "caption": "A bed."}]
    put_json(tmp_path / "filter_cap.json", {"annotations": annotations})
    skipped = Counter[str]()
    assert responses(read_source("minigpt4_ift", tmp_path, skipped)) == {"3": ["A bed."]}
    assert skipped == {NO_TEXT: 1}


def test_kaggles_copy_of_flickr30k_is_read_with_its_flaw(tmp_path: Path) -> None:
    put_pictures(tmp_path / "flickr30k_images", "1000092795.jpg", "2199200615.jpg")
    put_text(
        tmp_path / "results.csv",
        "image_name| comment_number| comment\n1000092795.jpg| 0| Two young guys , one | tall .\n"
        "2199200615.jpg| 4   A dog runs across the grass .\nnonsense\n",
    )
    skipped = Counter[str]()
    assert responses(read_source("flickr30k", tmp_path, skipped, only=None)) == {
        "1000092795": ["Two young guys , one | tall ."],
        "2199200615": ["A dog runs across the grass ."],
    }
    assert skipped == {NO_CAPTION_LINE: 1}


def test_cuhk_pedes_is_read_from_the_annotations_without_splits_too(tmp_path: Path) -> None:
    put_pictures(tmp_path / "imgs", "CUHK01/0363004.png")
    record = {"id": 1, "file_path": "CUHK01/0363004.png", "captions": ["A man.", "He stands."]}
    put_json(tmp_path / "caption_all.json", [record])
    found = read_source("cuhk_pedes", tmp_path, file="caption_all.json", where={})
    assert responses(found) == {"CUHK01_0363004": ["A man."]}


def test_a_record_that_lacks_a_field_is_told_with_what_it_has(tmp_path: Path) -> None:
    put_minigpt4(tmp_path)
    put_json(tmp_path / "filter_cap.json", {"annotations": [{"image_id": "2", "text": "x"}]})
    with pytest.raises(LynxError, match=r"filter_cap.json: record 1: has no `caption`; it has"):
        read_source("minigpt4_ift", tmp_path)


def test_pictures_listed_twice_or_named_alike_have_keys_of_their_own(tmp_path: Path) -> None:
    put_pexels(tmp_path)
    put_json(tmp_path / "pexels-prompts-pairs.json", [{"1000129": text} for text in "abc"])
    samples = read_source("pexels_110k", tmp_path)
    assert len({sample.key for sample in samples}) == 3
    assert samples[0].key == "1000129" and all(len(sample.key) <= 80 for sample in samples)


@pytest.mark.parametrize("name", SOURCE_NAMES)
def test_a_source_names_a_format_and_exactly_options_that_it_has(name: str) -> None:
    facts = load_source(name)
    assert facts.origin and facts.licence
    if facts.format is None or facts.format == IN_PLACE:
        assert facts.format or facts.note, "says why no copy is read"
        return
    options = format_options(reader(facts.format))
    assert set(facts.options) <= set(options)
    needed = {option for option, one in options.items() if one.default is one.empty}
    assert needed <= set(facts.options)
