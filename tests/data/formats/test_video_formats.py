"""Datasets of videos are read from copies in the layouts that their owners publish."""

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
from lynx.data.formats.videos import MAX_FRAMES, NO_VIDEO, Clip, clip, video_samples
from lynx.data.sample import Round, Sample
from lynx.data.shards.reading import ShardedSource
from lynx.data.shards.writing import write_shards
from lynx.data.video import decode_frames
from tests.clips import make_clip, number_of
from tests.data.formats.video_copies import (
    COPIES,
    MP4,
    Asked,
    put,
    put_frames,
    put_next_qa,
    put_table,
)

every_source = pytest.mark.parametrize("name", COPIES)


def read(name: str, root: Path, skipped: Counter[str] | None = None) -> list[Sample]:
    facts = load_source(name)
    module = importlib.import_module(f"lynx.data.formats.{facts.format}")
    counts = Counter[str]() if skipped is None else skipped
    return list(module.read(root, source=name, skipped=counts, **facts.options))


def rows_of(sample: Sample) -> Asked:
    return [(one.fields.get("question", ""), one.response) for one in sample.rounds]


@every_source
def test_a_video_is_one_sample_with_a_row_for_each_text(name: str, tmp_path: Path) -> None:
    copy, skipped = COPIES[name], Counter[str]()
    copy.write(tmp_path)
    samples = read(name, tmp_path, skipped)
    assert [(sample.key, rows_of(sample)) for sample in samples] == list(copy.expected.items())
    assert {(sample.source, sample.kind) for sample in samples} == {(name, "video")}
    assert sum(sample.num_rows for sample in samples) == sum(map(len, copy.expected.values()))
    assert skipped.total() == 0


@every_source
def test_the_fields_of_the_prompts_are_there_and_shards_give_it_back(
    name: str, tmp_path: Path
) -> None:
    COPIES[name].write(tmp_path / "copy")
    samples = read(name, tmp_path / "copy")
    fields = load_pools()[load_source(name).prompts].fields
    assert {tuple(one.fields) for sample in samples for one in sample.rounds} == {tuple(fields)}
    write_shards(
        samples,
        tmp_path / "shards",
        source=name,
        samples_per_shard=2,
        licence=load_source(name).licence,
        builder="a test",
    )
    shards = ShardedSource(tmp_path / "shards")
    rows = [sample.row(n) for sample in samples for n in range(sample.num_rows)]
    assert [shards.read(row) for row in range(len(shards))] == rows
    for sample in samples:
        if sample.video is not None:
            frames = decode_frames(sample.video, num_frames=5, rng=None)
            assert [number_of(frame) for frame in frames] == [0, 1, 2]


@every_source
def test_a_missing_video_is_counted_and_left_out(name: str, tmp_path: Path) -> None:
    copy, skipped = COPIES[name], Counter[str]()
    copy.write(tmp_path)
    (tmp_path / copy.media).rename(tmp_path / "elsewhere")
    rows = sum(sample.num_rows for sample in read(name, tmp_path, skipped))
    assert skipped == {NO_VIDEO: copy.lost}
    assert rows == sum(map(len, copy.expected.values())) - copy.lost


@every_source
def test_missing_annotations_are_named(name: str, tmp_path: Path) -> None:
    copy = COPIES[name]
    copy.write(tmp_path)
    (tmp_path / copy.annotations).unlink()
    with pytest.raises(LynxError, match=rf"has no {copy.annotations}"):
        read(name, tmp_path)


def test_the_open_questions_of_next_qa_are_read_too(tmp_path: Path) -> None:
    put_next_qa(tmp_path)
    put_table(
        tmp_path / "train.csv",
        "video,frame_count,width,height,question,answer,qid,type",
        ["4010069381,369,640,480,is he proficient,yes,1,DB"],
    )
    (sample,) = read("next_qa", tmp_path)
    assert rows_of(sample) == [("is he proficient?", "yes")]


def test_a_choice_that_is_none_is_named(tmp_path: Path) -> None:
    put_next_qa(tmp_path)
    put_table(tmp_path / "train.csv", "video,question,answer,a0,a1", ["4010069381,who,7,he,she"])
    with pytest.raises(LynxError, match=r"train.csv: the answer '7' is no number of a choice"):
        read("next_qa", tmp_path)


def test_frames_come_in_the_order_of_their_numbers_and_not_too_many(tmp_path: Path) -> None:
    put_frames(tmp_path / "few", 12)
    put_frames(tmp_path / "many", 100)
    put_frames(tmp_path / "one", 1)
    few, many = clip(tmp_path, ["few"]), clip(tmp_path, ["none", "many", "few"])
    assert few is not None and many is not None
    shown = [(tmp_path / f"few/{number}.png").read_bytes() for number in range(12)]
    assert list(few.images) == shown
    assert len(set(many.images)) == MAX_FRAMES
    assert clip(tmp_path, ["one"]) is None


def test_a_video_that_is_neither_mp4_nor_webm_is_converted_or_left_out(tmp_path: Path) -> None:
    put(tmp_path / "a.avi", make_clip(20, kind="mpeg4", container="avi"))
    put(tmp_path / "b.avi", b"RIFF, and nothing more")
    found = clip(tmp_path, ["a.avi"])
    assert found is not None and found.video is not None
    frames = decode_frames(found.video, num_frames=4, rng=None)
    assert [number_of(frame) for frame in frames] == [2, 7, 12, 17]
    assert clip(tmp_path, ["b.avi"]) is None


@pytest.mark.parametrize(
    "name",
    [
        source
        for file in ("videos", "conversations")
        for source in read_mapping(from_root(f"{SOURCES}/{file}.yaml"))["sources"]
    ],
)
def test_a_source_names_a_format_that_takes_exactly_its_options(name: str) -> None:
    facts = load_source(name)
    if facts.format is None:
        return
    module = importlib.import_module(f"lynx.data.formats.{facts.format}")
    given = {"source": name, "skipped": Counter[str](), **facts.options}
    inspect.signature(module.read).bind(Path("copy"), **given)
    assert facts.origin.startswith("https://") and facts.licence and facts.note


def test_videos_whose_names_differ_in_signs_alone_have_keys_of_their_own() -> None:
    rounds, found = [Round({}, "a")], Clip((), MP4)
    grouped = [("a b", rounds), ("a_b", rounds), ("x" * 90 + "1", rounds)]
    samples = list(video_samples(grouped, lambda _: found, source="s", skipped=Counter()))
    assert [sample.key for sample in samples] == ["a_b", "a_b_1", "x" * 79 + "1"]
