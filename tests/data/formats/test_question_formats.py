"""Datasets of questions about pictures are read from copies in the layouts that owners publish."""

from __future__ import annotations

import importlib
import inspect
from collections import Counter
from pathlib import Path

import pytest

from lynx.config.errors import LynxError
from lynx.config.files import read_mapping
from lynx.config.paths import from_root
from lynx.config.prompt_pools import load_pools
from lynx.config.source_facts import SOURCES, load_source
from lynx.data.formats.questions import NO_PICTURE
from lynx.data.shards.reading import ShardedSource
from lynx.data.shards.writing import write_shards
from tests.data.formats.question_copies import COPIES, asked_and_answered, read
from tests.data.formats.question_files import put_json, put_textvqa

every_source = pytest.mark.parametrize("name", COPIES)
SOURCE_NAMES = [
    *read_mapping(from_root(f"{SOURCES}/questions.yaml"))["sources"],
    "visual7w_multi_choice",
    "nlvr2",
]


@every_source
def test_a_picture_is_one_sample_and_a_row_for_each_question(name: str, tmp_path: Path) -> None:
    copy, skipped = COPIES[name], Counter[str]()
    copy.write(tmp_path)
    samples = read(load_source(name), tmp_path, skipped)
    assert {sample.key: asked_and_answered(sample) for sample in samples} == copy.expected
    assert [sample.key for sample in samples] == list(copy.expected)
    assert {sample.source for sample in samples} == {name}
    kind = "pair" if name == "nlvr2" else "image"
    assert {(sample.kind, sample.split) for sample in samples} == {(kind, "questions")}
    assert sum(sample.num_rows for sample in samples) == sum(map(len, copy.expected.values()))
    assert skipped.total() == 0


@every_source
def test_the_fields_of_the_prompts_are_there_and_shards_take_it(name: str, tmp_path: Path) -> None:
    facts = load_source(name)
    COPIES[name].write(tmp_path / "copy")
    samples = read(facts, tmp_path / "copy")
    for one in [one for sample in samples for one in sample.rounds]:
        filled = {*one.fields, *(["options"] if one.options else [])}
        assert filled == set(load_pools()[facts.prompts].fields)
    write_shards(
        samples,
        tmp_path / "shards",
        source=name,
        samples_per_shard=2,
        licence=facts.licence,
        builder="a test",
    )
    rows = [sample.row(n) for sample in samples for n in range(sample.num_rows)]
    source = ShardedSource(tmp_path / "shards")
    assert [source.read(row) for row in range(len(source))] == rows


@every_source
def test_a_missing_picture_is_counted_and_left_out(name: str, tmp_path: Path) -> None:
    copy, skipped = COPIES[name], Counter[str]()
    copy.write(tmp_path)
    (tmp_path / copy.picture).unlink()
    rows = sum(sample.num_rows for sample in read(load_source(name), tmp_path, skipped))
    assert skipped == {NO_PICTURE: copy.lost}
    assert rows == sum(map(len, copy.expected.values())) - copy.lost


@every_source
def test_missing_annotations_are_named(name: str, tmp_path: Path) -> None:
    copy = COPIES[name]
    copy.write(tmp_path)
    for path in list(tmp_path.glob(copy.annotations)):
        path.unlink()
    with pytest.raises(LynxError, match=rf"has no .*{Path(copy.annotations).name}"):
        read(load_source(name), tmp_path)


@pytest.mark.parametrize("name", [n for n in COPIES if n not in ("stvqa", "websrc")])
def test_a_missing_folder_of_pictures_is_no_empty_source(name: str, tmp_path: Path) -> None:
    copy = COPIES[name]
    copy.write(tmp_path)
    folder = copy.picture.split("/train-")[0].rpartition("/")[0]  # of NLVR2 without the number
    (tmp_path / folder).rename(tmp_path / "elsewhere")
    with pytest.raises(LynxError, match=rf"has no {folder}"):
        read(load_source(name), tmp_path)


def test_a_record_without_a_key_is_named(tmp_path: Path) -> None:
    put_textvqa(tmp_path)
    put_json(tmp_path / "TextVQA_0.5.1_train.json", {"data": [{"question": "Who?"}]})
    with pytest.raises(LynxError, match=r"TextVQA_0.5.1_train.json: record 1: has no `answers`"):
        read(load_source("textvqa"), tmp_path)


@pytest.mark.parametrize("name", SOURCE_NAMES)
def test_a_source_names_a_format_that_takes_exactly_its_options(name: str) -> None:
    facts = load_source(name)
    if facts.format is None:
        return
    module = importlib.import_module(f"lynx.data.formats.{facts.format}")
    given = {"source": name, "skipped": Counter[str](), **facts.options}
    inspect.signature(module.read).bind(Path("copy"), **given)
    assert facts.origin.startswith("https://") and facts.licence
