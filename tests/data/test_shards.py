"""Shards give back what was written, byte for byte, and damage never passes unseen."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import webdataset
from PIL import Image

from lynx.config.errors import LynxError
from lynx.data.sample import Round, Sample, UnreadableSampleError
from lynx.data.shards.folders import opened
from lynx.data.shards.reading import ShardedSource
from lynx.data.shards.writing import write_shards

NUM_SAMPLES = 23


def picture(number: int, *, form: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (9, 7), (number * 7 % 256, 10, 20)).save(stream, form)
    return stream.getvalue()


def make_samples(*, num_frames: int = 12) -> Iterator[Sample]:
    """Text, images and videos in turn, with letters that need care."""
    for number in range(NUM_SAMPLES):
        kind, count = (("text", 0), ("image", 1), ("video", num_frames))[number % 3]
        form = "JPEG" if number % 2 else "PNG"
        rounds = tuple(
            Round({"question": f"wie süß {number}.{turn}?", "a": "{b}"}, f"„{number}“\n")
            for turn in range(1 + number % 2)
        )
        images = tuple(picture(100 * number + frame, form=form) for frame in range(count))
        yield Sample(f"{number:06d}", "mixed", kind, rounds, images)  # type: ignore[arg-type]


def write(directory: Path, *, samples: Iterator[Sample] | None = None) -> ShardedSource:
    write_shards(
        make_samples() if samples is None else samples,
        directory,
        source="mixed",
        samples_per_shard=5,
        licence="none",
        builder="a test",
    )
    return ShardedSource(directory)


def test_every_row_reads_back_equal_in_any_order(tmp_path: Path) -> None:
    source = write(tmp_path / "mixed")
    expected = list(make_samples())
    assert len(source) == NUM_SAMPLES
    assert source.name == "mixed"
    assert [source.read(row) for row in reversed(range(NUM_SAMPLES))] == expected[::-1]


def test_other_webdataset_readers_see_the_same_samples(tmp_path: Path) -> None:
    source = write(tmp_path / "mixed")
    urls = [str(path) for path in sorted(source.directory.glob("*.tar"))]
    read = list(webdataset.WebDataset(urls, shardshuffle=False))
    for found, sample in zip(read, make_samples(), strict=True):
        record = json.loads(found["json"])
        assert found["__key__"] == sample.key
        assert record["kind"] == sample.kind
        assert [one["response"] for one in record["rounds"]] == [r.response for r in sample.rounds]
        endings = sorted(key for key in found if key.endswith(("png", "jpg")))
        assert tuple(found[key] for key in endings) == sample.images


def test_the_same_samples_make_the_same_bytes(tmp_path: Path) -> None:
    first, second = write(tmp_path / "a"), write(tmp_path / "b")
    names = sorted(path.name for path in first.directory.iterdir())
    assert len(names) == 2 * 5 + 1
    for name in names:
        assert (first.directory / name).read_bytes() == (second.directory / name).read_bytes()


def test_the_fingerprint_follows_the_content(tmp_path: Path) -> None:
    changed = list(make_samples())
    changed[7] = replace(changed[7], rounds=(Round({}, "other"),))
    first = write(tmp_path / "a").fingerprint
    assert write(tmp_path / "b").fingerprint == first
    assert write(tmp_path / "c", samples=iter(changed)).fingerprint != first


def test_a_source_works_after_pickling(tmp_path: Path) -> None:
    source = write(tmp_path / "mixed")
    first = source.read(0)
    assert pickle.loads(pickle.dumps(source)).read(0) == first


@pytest.mark.parametrize("where", [b"000006.json", "süß 6.0".encode()])
def test_damage_is_found_at_its_row_only(where: bytes, tmp_path: Path) -> None:
    source = write(tmp_path / "mixed")
    tar = source.directory / "mixed-000001.tar"
    content = bytearray(tar.read_bytes())
    content[content.index(where)] ^= 1  # one bit, of a header or of the text
    tar.write_bytes(content)
    with pytest.raises(UnreadableSampleError, match=r"mixed: row 6 .*mixed-000001.tar row 1\)"):
        source.read(6)
    assert [source.read(row) for row in (5, 7, 9)] == [list(make_samples())[r] for r in (5, 7, 9)]


def test_a_shard_cut_short_or_missing_is_found_when_opened(tmp_path: Path) -> None:
    directory = write(tmp_path / "mixed").directory
    tar = directory / "mixed-000002.tar"
    tar.write_bytes(tar.read_bytes()[:-512])
    with pytest.raises(LynxError, match=r"mixed-000002.tar: has \d+ bytes; manifest.json says"):
        ShardedSource(directory)
    tar.unlink()
    with pytest.raises(LynxError, match=r"mixed-000002.tar: is missing"):
        ShardedSource(directory)
    with pytest.raises(LynxError, match=r"nowhere/manifest.json: no shards here"):
        ShardedSource(tmp_path / "nowhere")


def test_an_index_that_is_empty_or_missing_is_found_when_opened(tmp_path: Path) -> None:
    directory = write(tmp_path / "mixed").directory
    index = directory / "mixed-000002.npy"
    index.write_bytes(b"")
    with pytest.raises(LynxError, match=r"mixed-000002.npy: has 0 bytes; manifest.json says 5"):
        ShardedSource(directory)
    index.unlink()
    with pytest.raises(LynxError, match=r"mixed-000002.npy: is missing"):
        ShardedSource(directory)


def test_an_index_that_does_not_fit_is_no_matter_of_one_sample(tmp_path: Path) -> None:
    directory = write(tmp_path / "mixed").directory
    index = directory / "mixed-000002.npy"
    index.write_bytes(index.read_bytes() + (directory / "mixed-000001.npy").read_bytes())
    assert ShardedSource(directory).read(10).key == "000010"  # what follows an array is not read
    index.write_bytes(bytes(1000))
    with pytest.raises(LynxError, match=r"mixed-000002.npy: ") as caught:
        ShardedSource(directory).read(10)
    assert not isinstance(caught.value, UnreadableSampleError)


def test_a_file_that_vanishes_before_it_is_open_is_asked_for_again(tmp_path: Path) -> None:
    (tmp_path / "here").write_bytes(b"a shard")
    names = iter(["gone", "gone", "here"])
    assert opened(lambda: tmp_path / next(names), Path.read_bytes) == b"a shard"
    with pytest.raises(LynxError, match=rf"^{tmp_path}/gone: is gone; was it removed"):
        opened(lambda: tmp_path / "gone", Path.read_bytes)
    with pytest.raises(LynxError, match=rf"^{tmp_path}: can't be opened: Is a directory"):
        opened(lambda: tmp_path, Path.read_bytes)


@pytest.mark.parametrize("error", [EOFError, MemoryError, OverflowError, KeyError])
def test_whatever_damaged_bytes_raise_is_an_unreadable_sample(
    error: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    source = write(tmp_path / "mixed")
    monkeypatch.setattr(source, "_parsed", fail)
    with pytest.raises(UnreadableSampleError, match=rf"row 6 .*{error.__name__}"):
        source.read(6)


def test_a_damaged_manifest_is_named(tmp_path: Path) -> None:
    directory = write(tmp_path / "mixed").directory
    (directory / "manifest.json").write_text('{"source": "mixed"')
    with pytest.raises(LynxError, match=r"manifest.json: not readable as JSON"):
        ShardedSource(directory)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"key": "a.b"}, r"'a.b': a key has"),
        ({"key": "000000"}, r"'000000': this key came before"),
        ({"source": "other"}, r"belongs to the source 'other'"),
        ({"rounds": ()}, r"has no round"),
        ({"kind": "video"}, r"kind 'video' with 1 pictures; needs at least two"),
        ({"images": (b"GIF89a",)}, r"a picture is no PNG or JPEG"),
    ],
)
def test_a_sample_that_could_not_be_read_back_is_not_written(
    change: dict[str, object], complaint: str, tmp_path: Path
) -> None:
    samples = list(make_samples())[:2]
    samples[1] = replace(samples[1], **change)  # type: ignore[arg-type]
    with pytest.raises(LynxError, match=complaint):
        write(tmp_path / "mixed", samples=iter(samples))
    assert list(tmp_path.iterdir()) == []


def test_a_source_without_samples_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LynxError, match=r"mixed: there are no samples"):
        write(tmp_path / "mixed", samples=iter(()))
