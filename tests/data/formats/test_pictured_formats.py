"""What every reader of pictures with texts or classes does with a copy, sound or not."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from lynx.config.errors import LynxError
from lynx.data.formats.pictured_texts import NO_PICTURE
from lynx.data.shards.reading import ShardedSource
from lynx.data.shards.writing import write_shards
from tests.data.formats.caption_copies import COPIES
from tests.data.formats.pictured_copies import read_source, responses
from tests.data.formats.test_classification_formats import COPIES as CLASSES

ALL_COPIES = COPIES | CLASSES
WITHOUT_LISTS = ("imagenet1k", "time_classification")  # folders alone say what there is
every_source = pytest.mark.parametrize("name", ALL_COPIES)


@every_source
def test_a_copy_gives_its_texts_by_picture(name: str, tmp_path: Path) -> None:
    put, expected, _, picture = ALL_COPIES[name]
    put(tmp_path)
    skipped = Counter[str]()
    samples = read_source(name, tmp_path, skipped)
    assert responses(samples) == expected
    assert [sample.key for sample in samples] == list(expected)
    assert samples[0].images == ((tmp_path / picture).read_bytes(),)
    assert not skipped


@every_source
@pytest.mark.parametrize("damage", [None, b"no picture"])
def test_a_missing_or_damaged_picture_is_counted_and_left_out(
    name: str, damage: bytes | None, tmp_path: Path
) -> None:
    put, expected, _, picture = ALL_COPIES[name]
    put(tmp_path)
    (tmp_path / picture).unlink()
    if damage is not None:
        (tmp_path / picture).write_bytes(damage)
    skipped = Counter[str]()
    assert list(responses(read_source(name, tmp_path, skipped))) == list(expected)[1:]
    unseen = damage is None and name in WITHOUT_LISTS
    assert skipped == ({} if unseen else {NO_PICTURE: 1})


@every_source
def test_a_copy_without_its_annotations_says_what_is_looked_for(name: str, tmp_path: Path) -> None:
    put, _, annotations, _ = ALL_COPIES[name]
    put(tmp_path)
    (tmp_path / annotations).rename(tmp_path / "elsewhere")
    with pytest.raises(LynxError, match=rf"{tmp_path}: has no .*{annotations}"):
        read_source(name, tmp_path)


@every_source
def test_what_is_read_can_be_written_as_shards(name: str, tmp_path: Path) -> None:
    ALL_COPIES[name][0](tmp_path / "copy")
    samples = read_source(name, tmp_path / "copy")
    write_shards(
        samples,
        tmp_path / "shards",
        source=name,
        samples_per_shard=10,
        licence="none",
        builder="a test",
    )
    assert len(ShardedSource(tmp_path / "shards")) == sum(one.num_rows for one in samples)
