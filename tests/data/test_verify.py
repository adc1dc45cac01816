"""`verify_shards` finds every damage, and names the shard and the sample."""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import webdataset

from lynx.config.errors import LynxError
from lynx.config.seeds import python_random
from lynx.data.sample import Round, Sample
from lynx.data.shards.importing import import_shards
from lynx.data.shards.manifest import MANIFEST
from lynx.data.shards.reading import ShardedSource
from lynx.data.shards.scan import Span, mapped, sound_key, spans
from lynx.data.shards.verify import Problem, verify_shards
from lynx.data.shards.writing import write_shards

FIRST, SECOND = "mixed-000000.tar", "mixed-000001.tar"
PICTURE = b"\x89PNG and seven hundred more bytes " + bytes(range(1, 256)) * 3
NUM_SAMPLES, NUM_FLIPS = 12, 60


def make_samples() -> Iterator[Sample]:
    """Texts, pictures with several questions each, frames and video files in turn."""
    for number in range(NUM_SAMPLES):
        rounds = tuple(Round({"question": f"{number}.{n}?"}, f"ä{n}") for n in range(3))
        key = f"{number:06d}"
        if number % 4 == 0:
            yield Sample(key, "mixed", "text", rounds)
        elif number % 4 == 1:
            yield Sample(key, "mixed", "image", rounds, (PICTURE,), split="questions")
        elif number % 4 == 2:
            yield Sample(key, "mixed", "video", rounds, (PICTURE, PICTURE), split="dialog")
        else:
            yield Sample(key, "mixed", "video", rounds, video=b"\0\0\0\x18ftypmp42" + PICTURE)


def write(directory: Path, samples: Iterable[Sample], *, samples_per_shard: int) -> Path:
    rest = {"samples_per_shard": samples_per_shard, "licence": "none", "builder": "a test"}
    write_shards(samples, directory, source="mixed", **rest)  # type: ignore[arg-type]
    return directory


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two sound shards of six samples each."""
    return write(tmp_path / "mixed", make_samples(), samples_per_shard=6)


def foreign_folder(directory: Path, *, key: str = "{}") -> Path:
    """One shard as webdataset writes it, with the time in fractions: PAX headers."""
    directory.mkdir()
    content = {"jpg": b"\xff\xd8" + PICTURE, "txt": "a cat", "json": {"n": 1}}
    with webdataset.ShardWriter(str(directory / "%05d.tar"), verbose=0) as writer:
        for number in range(6):
            writer.write({"__key__": key.format(f"{number:09d}"), **content})
    import_shards(directory, source="web", licence="none")
    return directory


def samples_in(tar: Path) -> list[Span]:
    with mapped(tar) as content:
        return list(spans(content))


def texts(problems: list[Problem]) -> str:
    return "\n".join(map(str, problems))


def edit_manifest(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads((folder / MANIFEST).read_text())
    change(content)
    (folder / MANIFEST).write_text(json.dumps(content))


def test_sound_shards_have_no_problems(folder: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    assert verify_shards(folder, told=lambda done, total: told.append((done, total))) == []
    assert told == [(1, 2), (2, 2)]
    assert len(ShardedSource(folder)) > NUM_SAMPLES  # several rows of one sample are no repetition
    assert verify_shards(foreign_folder(tmp_path / "web")) == []
    long = foreign_folder(tmp_path / "long", key="folder.v1/" + "k" * 120 + "ü{}")
    assert verify_shards(long) == []
    assert ShardedSource(long).read(5).key == "folder.v1/" + "k" * 120 + "ü000000005"


def check_flips(folder: Path, tar: Path, *, seed: str) -> tuple[int, int]:
    """Flip bytes, one at a time; gives how many were in a sample, and named by key."""
    whole, rng = tar.read_bytes(), python_random(0, "flips", seed)
    regions = samples_in(tar)
    places = [rng.randrange(len(whole)) for _ in range(NUM_FLIPS)]
    places += [0, 150, 156, len(whole) - 1, regions[-1].end, regions[2].start + 124]
    num_inside = num_named = 0
    for place in places:
        content = bytearray(whole)
        content[place] ^= 1 << rng.randrange(8)
        tar.write_bytes(content)
        problems = verify_shards(folder)
        assert problems, f"byte {place} was flipped"
        assert {one.shard for one in problems} == {tar.name}
        hit = next((n for n, one in enumerate(regions) if one.start <= place < one.end), None)
        found = [one for one in problems if one.sample]
        if hit is None:
            assert found == [] and "samples are as they were written" in texts(problems)
            continue
        num_inside += 1
        assert len(found) == 1 and f"bytes from {regions[hit].start})" in found[0].what
        if found[0].sample == regions[hit].key:
            num_named += 1
        else:  # the name of the only member was hit, or one of two names
            assert found[0].sample.startswith("in row "), str(found[0])
    tar.write_bytes(whole)
    assert verify_shards(folder) == []
    return num_inside, num_named


def test_a_flipped_byte_is_found_wherever_it_lies(tmp_path: Path) -> None:
    folder = write(tmp_path / "mixed", make_samples(), samples_per_shard=NUM_SAMPLES)
    num_inside, num_named = check_flips(folder, folder / FIRST, seed="ours")
    assert num_inside > num_named // 2 > 15
    assert num_named >= num_inside * 0.7


def test_a_flipped_byte_is_found_in_tars_of_others(tmp_path: Path) -> None:
    folder = foreign_folder(tmp_path / "web")
    num_inside, num_named = check_flips(folder, folder / "00000.tar", seed="theirs")
    assert num_inside == num_named > 30  # three members: two names are left in any case


def test_long_names_in_damaged_bytes_are_never_told_wrong(tmp_path: Path) -> None:
    folder = foreign_folder(tmp_path / "web", key="k" * 120 + "ü{}")
    num_inside, num_named = check_flips(folder, folder / "00000.tar", seed="long")
    assert num_inside == num_named > 30


def test_a_shard_cut_short_is_found_with_the_first_lost_sample(folder: Path) -> None:
    tar = folder / SECOND
    whole, regions = tar.read_bytes(), samples_in(tar)
    third = regions[2]

    tar.write_bytes(whole[: third.start])  # at a boundary: tar readers take this for the end
    found = texts(verify_shards(folder))
    assert f"{SECOND}: has {third.start} bytes; manifest.json says {len(whole)}" in found
    assert f"{SECOND}: ends at byte {third.start} without the zeros that close a tar" in found
    assert f"sample in row 4: cut off at byte {third.start} (row 4, " in found
    assert "and 3 after it" in found

    tar.write_bytes(whole[: third.members["json"].offset + 20])  # within a member
    problems = verify_shards(folder)
    assert [one.sample for one in problems if one.sample] == [third.key]

    tar.write_bytes(whole[: regions[3].members["png"].start])  # between picture and text
    assert regions[3].key in [one.sample for one in verify_shards(folder)]

    tar.write_bytes(whole[: regions[-1].end + 700])  # within the closing zeros
    found = texts(verify_shards(folder))
    assert f"ends at byte {regions[-1].end + 700}, within the zeros that close it" in found

    tar.write_bytes(b"")
    assert f"{SECOND}: is empty" in texts(verify_shards(folder))


def test_bytes_after_the_end_are_counted(folder: Path) -> None:
    whole = (folder / SECOND).read_bytes()
    (folder / SECOND).write_bytes(whole + b"ab")
    assert texts(verify_shards(folder)).splitlines() == [
        f"{SECOND}: has {len(whole) + 2} bytes; manifest.json says {len(whole)}",
        f"{SECOND}: its bytes are not those that manifest.json has the hash of; all samples are "
        "as they were written",
        f"{SECOND}: byte {len(whole)}: 2 bytes follow the end of the archive",
    ]
    (folder / SECOND).write_bytes(whole + (folder / FIRST).read_bytes())
    assert "zeros within the file, and members after them" in texts(verify_shards(folder))


@pytest.mark.parametrize("url", ["s3://bucket/mixed", "https://example.org/mixed"])
def test_a_url_is_refused(url: str) -> None:
    with pytest.raises(LynxError, match=rf"^{url}: only a local folder can be verified; copy"):
        verify_shards(Path(url))


def test_a_folder_with_a_colon_in_its_name_is_no_url(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    Path("s3:").mkdir()
    folder.rename("s3:/mixed")
    assert verify_shards(Path("s3:/mixed")) == []


def test_two_shards_that_were_swapped_are_named(folder: Path) -> None:
    first, second = (folder / FIRST).read_bytes(), (folder / SECOND).read_bytes()
    (folder / FIRST).write_bytes(second)
    (folder / SECOND).write_bytes(first)
    found = texts(verify_shards(folder))
    assert f"{FIRST}: holds what {SECOND} should hold" in found
    assert f"{SECOND}: holds what {FIRST} should hold" in found


def test_another_shard_of_the_same_size_is_found(folder: Path, tmp_path: Path) -> None:
    others = [Sample(f"x{n:05d}", "mixed", "text", (Round({}, "other"),)) for n in range(6)]
    size = (folder / FIRST).stat().st_size
    other = (write(tmp_path / "other", others, samples_per_shard=6) / FIRST).read_bytes()
    (folder / FIRST).write_bytes(other + bytes(size - len(other)))  # tars may end in more zeros
    found = texts(verify_shards(folder))
    assert f"{FIRST}: none of its 6 samples is what was written: another shard" in found
    assert SECOND not in found


def test_a_missing_shard_and_one_that_nobody_reads_are_named(folder: Path) -> None:
    (folder / SECOND).rename(folder / "mixed-000007.tar")
    assert texts(verify_shards(folder)).splitlines() == [
        f"{SECOND}: is missing",
        "mixed-000007.tar: manifest.json doesn't know it: nobody reads it",
    ]


def test_an_index_that_is_stale_swapped_or_missing_is_named(folder: Path) -> None:
    first, second = folder / "mixed-000000.npy", folder / "mixed-000001.npy"
    content = first.read_bytes()
    first.write_bytes(content[:-8] + b"\1" * 8)
    changed = "its bytes have changed since manifest.json was written, or it is of another shard"
    assert texts(verify_shards(folder)) == f"mixed-000000.npy: {changed}"
    first.write_bytes(second.read_bytes())
    assert texts(verify_shards(folder)) == f"mixed-000000.npy: {changed}"
    first.unlink()
    assert texts(verify_shards(folder)) == "mixed-000000.npy: is missing"

    (folder / FIRST).write_bytes((folder / FIRST).read_bytes() + bytes(512))
    assert "in which samples, only a sound index could tell" in texts(verify_shards(folder))


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("bytes", 7, rf"{FIRST}: has \d+ bytes; manifest.json says 7"),
        ("num_samples", 5, rf"{FIRST}: has 6 samples; manifest.json says 5"),
        ("sha256", "0" * 64, rf"{FIRST}: its bytes are not those that manifest.json has the hash"),
        ("index_sha256", "0" * 64, r"mixed-000000.npy: its bytes have changed since manifest"),
    ],
)
def test_a_manifest_that_disagrees_is_told(
    key: str, value: object, complaint: str, folder: Path
) -> None:
    edit_manifest(folder, lambda content: content["shards"][0].update({key: value}))
    problems = verify_shards(folder)
    assert len(problems) == 1
    assert re.match(complaint, str(problems[0]))


def test_a_manifest_with_rows_too_many_or_a_shard_too_few_is_an_error(folder: Path) -> None:
    edit_manifest(folder, lambda content: content["shards"].pop())
    with pytest.raises(LynxError, match=r"num_rows: says \d+, and its 1 shards have \d+ rows"):
        verify_shards(folder)
    with pytest.raises(LynxError, match=r"num_rows: says \d+, and its 1 shards have \d+ rows"):
        ShardedSource(folder)
    (folder / MANIFEST).unlink()
    with pytest.raises(LynxError, match=r"manifest.json: no shards here"):
        verify_shards(folder)


def test_rows_that_the_index_does_not_have_are_told(folder: Path) -> None:
    def one_more(content: dict[str, Any]) -> None:
        content["num_rows"] += 1
        content["shards"][0]["num_rows"] += 1

    edit_manifest(folder, one_more)
    found = texts(verify_shards(folder))
    assert found == "mixed-000000.npy: has the shape (12, 4); manifest.json says 13 rows"


def test_bytes_with_two_names_have_no_key(tmp_path: Path) -> None:
    folder = foreign_folder(tmp_path / "web")
    one, other = (samples_in(folder / "00000.tar")[n].members["txt"] for n in (1, 4))
    content = (folder / "00000.tar").read_bytes()
    both = content[one.start : one.offset + 512] + content[other.start : other.offset + 512]
    assert (sound_key(both[: len(both) // 2]), sound_key(both)) == ("000000001", "")


def test_a_key_that_comes_again_in_the_same_shard_is_named(tmp_path: Path) -> None:
    folder = foreign_folder(tmp_path / "web")
    tar = folder / "00000.tar"
    with tarfile.open(tar, "a") as archive:
        member = tarfile.TarInfo("000000002.jpg")
        member.size = 3
        archive.addfile(member, io.BytesIO(b"cat"))
    found = texts(verify_shards(folder))
    assert "the key '000000002' comes again" in found


def test_keys_that_two_shards_share_are_named(tmp_path: Path) -> None:
    folder = foreign_folder(tmp_path / "web")
    for ending in ("tar", "npy"):
        content = (folder / f"00000.{ending}").read_bytes()
        (folder / f"00001.{ending}").write_bytes(content)

    def copy(content: dict[str, Any]) -> None:
        content["shards"].append({**content["shards"][0], "file": "00001.tar"})
        content["num_rows"] *= 2

    edit_manifest(folder, copy)
    (problem,) = verify_shards(folder)
    assert (problem.shard, problem.sample) == ("00001.tar", "000000000")
    assert problem.what == "its key and those of 5 other samples are in 00000.tar too"


def test_a_wide_damage_is_told_in_a_few_lines(tmp_path: Path) -> None:
    samples = [Sample(f"{n:06d}", "mixed", "text", (Round({}, f"{n}"),)) for n in range(200)]
    folder = write(tmp_path / "mixed", samples, samples_per_shard=500)
    tar = folder / FIRST
    regions, content = samples_in(tar), bytearray(tar.read_bytes())
    for region in regions[:150]:
        content[region.members["json"].offset + 30] ^= 1
    tar.write_bytes(content)
    problems = verify_shards(folder)
    assert [one.sample for one in problems if one.sample] == [f"{n:06d}" for n in range(20)]
    assert "130 more samples have changed" in texts(problems)
