"""`import_shards` indexes img2dataset's tars where they are, and counts what can't be used."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
import webdataset

from lynx.config.errors import LynxError
from lynx.data.sample import Round, Sample, UnreadableSampleError
from lynx.data.shards.reading import ShardedSource
from lynx.data.shards.verify import verify_shards
from lynx.data.shards.writing import write_shards
from tests.data.pairs import NUMBERS, img2dataset_folder, picture, record, run, sample, write_tar


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return img2dataset_folder(tmp_path / "laion")


def snapshot(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_every_pair_is_read_where_it_lies(folder: Path) -> None:
    before, told = snapshot(folder), list[tuple[int, int]]()
    found = run(folder, told=lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]
    assert found.left_out == {} and found.manifest.licence == "CC-BY 4.0"
    assert [(shard.num_samples, shard.num_rows) for shard in found.manifest.shards] == [
        (5, 5),
        (3, 3),
    ]
    after = snapshot(folder)
    assert set(after) - set(before) == {"00000.npy", "00001.npy", "manifest.json"}
    assert {name: after[name] for name in before} == before

    source = ShardedSource(folder)
    assert (len(source), source.name, source.licence) == (8, "laion", "CC-BY 4.0")
    for row, number in enumerate(NUMBERS):
        read = source.read(row)
        assert (read.key, read.kind) == (f"{number:09d}", "image")
        assert read.images == (picture(number),)
        assert [(dict(one.fields), one.response) for one in read.rounds] == [
            ({}, f"ein Bild: süß {number}")
        ]
        assert source.metadata(row) == record(number)
    assert verify_shards(folder) == []


def test_webdataset_still_reads_the_same_samples(folder: Path) -> None:
    run(folder)
    urls = [str(path) for path in sorted(folder.glob("*.tar"))]
    source = ShardedSource(folder)
    for row, found in enumerate(webdataset.WebDataset(urls, shardshuffle=False)):
        read = source.read(row)
        assert (found["__key__"], found["jpg"]) == (read.key, read.images[0])
        assert found["txt"].decode() == read.rounds[0].response
    assert row == len(NUMBERS) - 1


def test_these_tars_have_extended_headers(folder: Path) -> None:
    """The fixture would prove little if webdataset stopped writing them."""
    with tarfile.open(folder / "00000.tar") as archive:
        assert all("mtime" in member.pax_headers for member in archive)


def test_the_text_may_be_a_field_of_the_json(folder: Path) -> None:
    run(folder, text="json:caption")
    assert ShardedSource(folder).read(3).rounds[0].response == "another text of 5"


def test_the_fingerprint_follows_the_text_and_the_rows_of_the_same_tars(tmp_path: Path) -> None:
    samples = {f"{n:09d}": sample(n) for n in range(4)}
    samples["000000002"] = sample(2, txt="")
    write_tar(tmp_path / "web" / "00000.tar", samples)
    found = [
        run(tmp_path / "web", text=text, out=tmp_path / out).manifest.fingerprint
        for text, out in (("txt", "a"), ("json:caption", "b"), ("json:url", "c"), ("txt", "d"))
    ]
    assert len(set(found[:3])) == 3
    assert found[3] == found[0]  # wherever the index lies
    manifest = run(tmp_path / "web").manifest
    (shard,) = manifest.shards
    assert manifest.fingerprint == found[0]
    for changed in (replace(shard, num_rows=2), replace(shard, index_sha256="0" * 64)):
        assert replace(manifest, shards=(changed,)).fingerprint != found[0]


def test_an_index_in_another_folder_leaves_the_tars_alone(folder: Path, tmp_path: Path) -> None:
    before, out = snapshot(folder), tmp_path / "index"
    run(folder, out=out)
    assert snapshot(folder) == before
    assert set(snapshot(out)) == {"00000.npy", "00001.npy", "manifest.json"}
    assert [ShardedSource(out).read(row).key for row in (0, 7)] == ["000000000", "000000030"]
    assert verify_shards(out) == []
    tar = folder / "00001.tar"
    tar.write_bytes(tar.read_bytes()[:-512])
    with pytest.raises(LynxError, match=rf"{tar}: has \d+ bytes; manifest.json says"):
        ShardedSource(out)


def test_samples_that_cannot_be_used_are_left_out_and_counted(tmp_path: Path) -> None:
    samples = {f"{n:09d}": sample(n) for n in range(9)}
    samples["000000001"] = sample(1, txt=None)
    samples["000000002"] = sample(2, txt="")  # img2dataset writes this where there is no text
    samples["000000003"] = sample(3, txt=" \n")
    samples["000000004"] = sample(4, jpg=None)
    samples["000000005"] = sample(5, txt=b"caf\xe9")
    samples["000000006"] = sample(6, txt=b"a\0\0\0")
    write_tar(tmp_path / "web" / "00000.tar", samples)
    write_tar(tmp_path / "web" / "00001.tar", {})  # of a shard whose downloads all failed
    found = run(tmp_path / "web")
    assert found.left_out == {
        "has no .txt among jpg, json": 1,
        "its text in txt is empty": 2,
        "has no picture among json, txt": 1,
        "its text is no UTF-8": 1,
        "its text in txt has zero bytes": 1,
    }
    assert [(shard.num_samples, shard.num_rows) for shard in found.manifest.shards] == [
        (9, 3),
        (0, 0),
    ]
    source = ShardedSource(tmp_path / "web")
    assert [source.read(row).key for row in range(3)] == ["000000000", "000000007", "000000008"]
    assert verify_shards(tmp_path / "web") == []


def test_json_without_a_text_is_counted_by_what_it_lacks(tmp_path: Path) -> None:
    samples = {
        "0": sample(0),
        "1": sample(1, json=b'{"caption": null}'),
        "2": sample(2, json=b'{"captions": "a cat"}'),
        "3": sample(3, json=b'{"caption": "a c'),
        "4": sample(4, json=b'{"caption": "a d'),
    }
    write_tar(tmp_path / "web" / "00000.tar", samples)
    assert run(tmp_path / "web", text="json:caption").left_out == {
        "its text in json:caption is a NoneType": 1,
        "its JSON has no 'caption'": 1,
        "its JSON can't be read": 2,
    }


def test_metadata_that_is_no_json_is_an_unreadable_sample(tmp_path: Path) -> None:
    write_tar(tmp_path / "web" / "0.tar", {"0": sample(0, json=b"{"), "1": sample(1, json=None)})
    run(tmp_path / "web")
    source = ShardedSource(tmp_path / "web")
    with pytest.raises(UnreadableSampleError, match=r"laion: row 0 \(.*0.tar row 0\) can't be"):
        source.metadata(0)
    assert source.metadata(1) == {}


def test_a_folder_from_which_nothing_can_be_used_is_an_error(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(LynxError, match=r"no sample can be used\n  8 samples: has no .cap among"):
        run(folder, text="cap")
    assert not (folder / "manifest.json").exists()
    with pytest.raises(LynxError, match=r"has no .tar files"):
        run(tmp_path)


def refused(folder: Path, *, out: Path | None = None, **options: str) -> str:
    """The message about an import after which all files are as they were."""
    before = snapshot(folder)
    before_out = snapshot(out) if out else {}
    with pytest.raises(LynxError) as caught:
        run(folder, out=out, **options)
    assert snapshot(folder) == before
    assert not out or snapshot(out) == before_out
    return str(caught.value)


def test_shards_that_lynx_built_are_left_as_they_are(folder: Path, tmp_path: Path) -> None:
    built, out = tmp_path / "built", tmp_path / "out"
    samples = [Sample(str(n), "laion", "text", (Round({}, "so"),)) for n in range(3)]
    labels = {"source": "laion", "licence": "none", "builder": "a test"}
    write_shards(samples, built, samples_per_shard=2, **labels)
    out.mkdir()
    whole = "holds shards that Lynx built, which are read as they are"
    assert refused(built) == refused(built, text="json:kind") == f"{built}: {whole}"
    assert refused(built, out=out) == refused(folder, out=built) == f"{built}: {whole}"
    assert verify_shards(built) == []
    (built / "manifest.json").unlink()
    assert "laion-000000.npy: would be overwritten" in refused(built)


def test_an_import_can_be_done_again(folder: Path) -> None:
    run(folder)
    before = snapshot(folder)
    run(folder, text="json:caption")
    assert ShardedSource(folder).read(0).rounds[0].response == "another text of 0"
    run(folder)
    assert snapshot(folder) == before
    path = folder / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b'"format": 2', b'"format": 1'))
    run(folder)
    assert snapshot(folder) == before


def test_an_import_that_fails_leaves_the_former_index(folder: Path) -> None:
    run(folder)
    assert "no sample can be used" in refused(folder, text="cap")
    tar = folder / "00001.tar"
    tar.write_bytes(tar.read_bytes()[:-15000])  # the shard before it is sound
    assert str(tar) in refused(folder, text="json:caption")


@pytest.mark.parametrize("content", ["{}", "[]", "no JSON", '{"layout": "x"}'])
def test_files_of_others_are_not_overwritten(content: str, folder: Path) -> None:
    (folder / "00001.npy").write_bytes(b"embeddings")
    assert refused(folder).startswith(f"{folder / '00001.npy'}: would be overwritten, and no")
    (folder / "00001.npy").unlink()
    (folder / "manifest.json").write_text(content)
    assert refused(folder).startswith(f"{folder / 'manifest.json'}: would be overwritten, and no")


def test_a_place_that_is_no_folder_is_named(folder: Path, tmp_path: Path) -> None:
    tar = folder / "00000.tar"
    with pytest.raises(LynxError, match=rf"^{tar}: is a file; name the folder that holds the"):
        run(tar)
    with pytest.raises(LynxError, match=rf"^{tmp_path}/no: doesn't exist; name the folder that"):
        run(tmp_path / "no")
    with pytest.raises(LynxError, match=rf"^{tar}: is a file; name a folder for the index"):
        run(folder, out=tar)


@pytest.mark.parametrize("text", ["", "json:", ":caption", ":"])
def test_a_text_that_names_nothing_is_refused(text: str, folder: Path) -> None:
    kind = "field" if text.startswith("json") else "ending"
    assert refused(folder, text=text).startswith(f"text: {text!r} names no {kind}; it must be")


def test_endings_in_capitals_are_read_as_webdataset_reads_them(tmp_path: Path) -> None:
    members = {"JPG": picture(1), "Txt": b"a cat"}
    with tarfile.open(write_tar(tmp_path / "web" / "0.tar", {}), "w") as archive:
        for ending, content in members.items():
            member = tarfile.TarInfo(f"./part/1.{ending}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    assert run(tmp_path / "web").left_out == {}
    assert ShardedSource(tmp_path / "web").read(0).images == (picture(1),)
    (found,) = webdataset.WebDataset(str(tmp_path / "web" / "0.tar"), shardshuffle=False)
    assert found["jpg"] == picture(1)


def test_a_second_picture_of_a_sample_is_no_error(tmp_path: Path) -> None:
    write_tar(tmp_path / "web" / "0.tar", {"1": sample(1, **{"depth.png": b"\x89PNG"})})
    assert run(tmp_path / "web").left_out == {}
    assert ShardedSource(tmp_path / "web").read(0).images == (picture(1),)
