"""Shards give back what was written, byte for byte, and damage never passes unseen."""

from __future__ import annotations

import io
import json
import pickle
import tarfile
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
from lynx.data.shards.tar import DamagedTarError, unpacked
from lynx.data.shards.writing import check_writable_target, write_shards

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
    ("key", "value", "complaint"),
    [
        ("layout", ["lynx"], r"layout: \['lynx'\] is no mapping"),
        ("layout", "lynx", r"layout: 'lynx' is no mapping"),
        ("layout", {"name": 5}, r"layout.name: 5 is no text"),
        ("num_rows", "23", r"num_rows: '23' is no number from 0 up"),
        ("num_rows", -1, r"num_rows: -1 is no number from 0 up"),
        ("num_rows", True, r"num_rows: True is no number"),
        ("num_rows", 22, r"num_rows: says 22, and its 5 shards have 23 rows"),
        ("source", 5, r"source: 5 is no text"),
        ("licence", None, r"licence: None is no text"),
        ("shards", None, r"shards: None is no list"),
        ("shards", {}, r"shards: {} is no list"),
        ("shards", [5], r"shards.0: 5 is no mapping"),
        ("shards", [{"file": "a.tar"}], r"shards.0.num_samples: is missing"),
        ("shards", [], r"num_rows: says 23, and its 0 shards have 0 rows"),
    ],
)
def test_a_malformed_manifest_is_named_with_its_key(
    key: str, value: object, complaint: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "mixed").directory / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(LynxError, match=rf"^{path}: {complaint}"):
        ShardedSource(path.parent)


@pytest.mark.parametrize(
    ("key", "value"), [("file", 5), ("num_rows", -5), ("bytes", 1.5), ("sha256", None)]
)
def test_a_malformed_shard_of_a_manifest_is_named_with_its_number(
    key: str, value: object, tmp_path: Path
) -> None:
    path = write(tmp_path / "mixed").directory / "manifest.json"
    content = json.loads(path.read_text())
    content["shards"][2][key] = value
    path.write_text(json.dumps(content))
    with pytest.raises(LynxError, match=rf"^{path}: shards.2.{key}: {value!r} is no "):
        ShardedSource(path.parent)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("pax_global_header", tarfile.XGLTYPE),  # as `git archive` writes it
        ("././@PaxHeader", tarfile.XGLTYPE),  # as Python's `tarfile` does
        ("folder", tarfile.DIRTYPE),
        ("folder.1", tarfile.DIRTYPE),
    ],
)
def test_a_sample_after_a_header_that_is_no_members_is_read(name: str, kind: bytes) -> None:
    records = b"16 comment=hello\n" if kind == tarfile.XGLTYPE else b""
    content = tar_of((name, kind, records), ("7.json", tarfile.REGTYPE, b"{}"))
    key, found = unpacked(content)
    assert (key, {ending: payload.tobytes() for ending, payload in found.items()}) == (
        "7",
        {"json": b"{}"},
    )


@pytest.mark.parametrize("name", ["json", ".json"])
def test_a_member_without_a_key_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(DamagedTarError, match=rf"the member '{name}' is not named KEY.ENDING"):
        unpacked(tar_of((name, tarfile.REGTYPE, b"{}")))


def tar_of(*files: tuple[str, bytes, bytes]) -> bytes:
    """Headers and contents in order, without the zeros at the end."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, kind, content in files:
            member = tarfile.TarInfo(name)
            member.type, member.size = kind, len(content)
            archive.addfile(member, io.BytesIO(content))
        return stream.getvalue()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"key": "a.b"}, r"'a.b': a key has"),
        ({"key": "000000"}, r"'000000': this key came before"),
        ({"source": "other"}, r"belongs to the source 'other'"),
        ({"rounds": ()}, r"has no round"),
        ({"kind": "video"}, r"kind 'video' with 1 pictures; needs at least two"),
        ({"images": (b"GIF89a",)}, r"a picture is no PNG or JPEG"),
        ({"rounds": (Round({}, " \n"),)}, r"'000001': the response ' \\n' must be a text"),
        ({"rounds": (Round({}, 5),)}, r"'000001': the response 5 must be a text"),  # type: ignore[arg-type]
        ({"rounds": (Round({"a": 5}, "b"),)}, r"'000001': fields .* not 'a' to 5"),  # type: ignore[dict-item]
        ({"rounds": (Round({5: "a"}, "b"),)}, r"'000001': fields .* not 5 to 'a'"),  # type: ignore[dict-item]
        ({"rounds": (Round([], "b"),)}, r"'000001': fields must map .* not \[\]"),  # type: ignore[arg-type]
        ({"rounds": (Round({}, "b", ("b", 5)),)}, r"'000001': the options \('b', 5\)"),  # type: ignore[arg-type]
        ({"rounds": (Round({}, "b", "abc"),)}, r"'000001': the options 'abc' must be a tuple"),  # type: ignore[arg-type]
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


def contents(folder: Path) -> dict[str, bytes]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def untouched(directory: Path) -> str:
    """The message about a folder that shards must not replace; no sample is taken before it."""
    before, remaining = contents(directory), make_samples()
    with pytest.raises(LynxError) as caught:
        write(directory, samples=remaining)
    assert next(remaining).key == "000000"
    assert contents(directory) == before
    message = str(caught.value)
    assert message.startswith(f"{directory}: ")
    assert message.endswith(
        "; new shards would replace the whole folder: name another one, or move away what is in it"
    )
    return message


def test_a_folder_with_other_files_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "photos" / "2019").mkdir(parents=True)
    (tmp_path / "photos" / "2019" / "a.jpg").write_bytes(b"mine")
    assert "photos: holds 2019; new" in untouched(tmp_path / "photos")
    for name in ("b", "c", "d", "e"):
        (tmp_path / "photos" / name).write_text("mine")
    assert "photos: holds 2019, b, c and 2 more; new" in untouched(tmp_path / "photos")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(LynxError, match=r"file: is a file; name a folder for the shards"):
        write(tmp_path / "file")


@pytest.mark.parametrize("name", ["notes.txt", ".hidden", "mixed-000009.tar", "a/mixed-000000.tar"])
def test_shards_with_any_other_file_beside_them_are_not_replaced(name: str, tmp_path: Path) -> None:
    directory = Path(write(tmp_path / "mixed").directory)
    (directory / name).parent.mkdir(exist_ok=True)
    (directory / name).write_text("mine")
    assert f"mixed: holds {name.split('/')[0]}; new" in untouched(directory)


def test_a_folder_named_as_a_shard_is_not_replaced(tmp_path: Path) -> None:
    tar = Path(write(tmp_path / "mixed").directory) / "mixed-000001.tar"
    tar.unlink()
    tar.mkdir()
    (tar / "a.jpg").write_text("mine")
    assert "mixed: holds mixed-000001.tar; new" in untouched(tar.parent)


def test_shards_of_another_source_are_not_replaced(tmp_path: Path) -> None:
    directory = Path(write(tmp_path / "mixed").directory)
    path = directory / "manifest.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"source": "other"}))
    assert "holds shards of `other`, not of `mixed`" in untouched(directory)
    path.write_text(json.dumps(content | {"layout": {"name": "pairs", "text": "txt"}}))
    assert "holds an index of `lynx data import`, perhaps with the tars" in untouched(directory)
    path.write_text("{")
    assert "holds files of unknown origin (manifest.json: not readable as JSON" in untouched(
        directory
    )
    path.unlink()
    assert "holds mixed-000000.npy, mixed-000000.tar, mixed" in untouched(directory)


def test_shards_of_the_same_source_and_empty_folders_are_replaced(tmp_path: Path) -> None:
    directory = Path(write(tmp_path / "mixed").directory)
    before = contents(directory)
    (directory / ".manifest.json.x1.tmp").write_text("of a process that was killed")
    (directory / "mixed-000001.tar").unlink()
    few = list(make_samples())[:3]
    assert len(write(directory, samples=iter(few))) == 3
    assert len(contents(directory)) == 3  # nothing of the former shards
    write(directory)
    assert contents(directory) == before
    (tmp_path / "empty").mkdir()
    assert len(write(tmp_path / "empty")) == NUM_SAMPLES


@pytest.mark.parametrize("place", [".", "shards", "a/b", "..", "../copy"])
def test_shards_within_or_around_the_copy_that_they_are_made_from_are_refused(
    place: str, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    (tmp_path / "link").symlink_to(copy)
    for reading in (copy, tmp_path / "link"):
        with pytest.raises(LynxError, match=rf"the shards must lie apart from {reading}, which"):
            check_writable_target(copy / place, "mixed", reading=reading)
    check_writable_target(tmp_path / "copy2", "mixed", reading=copy)


def test_a_source_without_samples_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LynxError, match=r"mixed: there are no samples"):
        write(tmp_path / "mixed", samples=iter(()))
