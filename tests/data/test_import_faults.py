"""Faults of which webdataset 1.0.2 makes fewer samples, mostly without a word, end an import."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import webdataset

from lynx.config.errors import LynxError
from lynx.data.shards.scan import mapped, spans
from tests.data.pairs import img2dataset_folder, keyed, picture, run, sample, write_tar


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return img2dataset_folder(tmp_path / "laion")


def damaged(folder: Path, change: Callable[[bytearray], object]) -> str:
    """The message about the first shard after `change`."""
    tar = folder / "00000.tar"
    content = bytearray(tar.read_bytes())
    changed = change(content)
    tar.write_bytes(changed if isinstance(changed, bytes) else content)
    with pytest.raises(LynxError) as caught:
        run(folder)
    left = [path.name for path in folder.iterdir() if path.suffix not in (".parquet", ".tar")]
    assert sorted(left) == ["00000_stats.json", "00001_stats.json"]  # no index, and no part of one
    message = str(caught.value)
    assert message.startswith(f"{tar}: ")
    return message.removeprefix(f"{tar}: ")


def with_sizes(content: bytearray, at: int, size: int) -> None:
    """Another size in the header at a byte, with the checksum that belongs to it."""
    content[at + 124 : at + 136] = b"%011o\0" % size
    content[at + 148 : at + 156] = b" " * 8
    content[at + 148 : at + 156] = b"%06o\0 " % sum(content[at : at + 512])


def test_damaged_headers_and_holes_are_errors(folder: Path) -> None:
    with mapped(folder / "00000.tar") as content:
        third = list(spans(content))[2]
    whole = (folder / "00000.tar").read_bytes()
    start = third.start
    assert damaged(folder, lambda c: c.__setitem__(start + 3, c[start + 3] ^ 1)).startswith(
        f"byte {start}: the header of a member is damaged; fetch or make this shard again"
    )
    (folder / "00000.tar").write_bytes(whole)
    hole = bytes(1024)
    assert damaged(folder, lambda c: c.__setitem__(slice(start, start + 1024), hole)).startswith(
        f"byte {start}: zeros within the file, and members after them"
    )


def test_bytes_after_the_end_are_counted(folder: Path) -> None:
    whole = (folder / "00000.tar").read_bytes()
    for number in (1, 2, 512, 5000):
        assert damaged(folder, lambda c, n=number: bytes(c) + b"x" * n).startswith(  # type: ignore[misc]
            f"byte {len(whole)}: {number} bytes follow the end of the archive; fetch"
        )
        (folder / "00000.tar").write_bytes(whole)
    second = (folder / "00001.tar").read_bytes()
    for more in (second, second[:512]):  # one header is a member too
        assert "and members after them" in damaged(folder, lambda c, m=more: bytes(c) + m)  # type: ignore[misc]
        (folder / "00000.tar").write_bytes(whole)


@pytest.mark.parametrize("name", ["00007.tar.gz", "00007.tgz", "00007.tar.zst"])
def test_compressed_files_are_named(name: str, folder: Path) -> None:
    (folder / name).write_bytes(b"")
    with pytest.raises(LynxError, match=rf"^{folder / name}: shards must not be compressed"):
        run(folder)
    for tar in folder.glob("*.tar"):
        tar.unlink()
    with pytest.raises(LynxError, match=r"1 such files are here: unpack them to .tar"):
        run(folder)


def test_a_compressed_tar_without_the_ending_is_told(folder: Path) -> None:
    assert damaged(folder, lambda c: gzip.compress(c)) == (
        "is gzip-compressed, and shards must not be; unpack it with gunzip"
    )


def test_shards_cut_anywhere_are_errors(folder: Path) -> None:
    tar = folder / "00000.tar"
    whole = tar.read_bytes()
    with mapped(tar) as content:
        third = list(spans(content))[2]
    for at in (third.start, third.members["txt"].start):  # at a sample, between two members
        message = damaged(folder, lambda c, at=at: bytes(c[:at]))  # type: ignore[misc]
        assert message.startswith(f"ends at byte {at} without the zeros")
        tar.write_bytes(whole)
    data = third.members["jpg"].offset
    message = damaged(folder, lambda c: bytes(c[: data + 100]))
    assert message.startswith(f"byte {data - 512}: a member of {len(picture(4))} bytes reaches")


def test_a_wrong_size_with_a_valid_checksum_is_an_error(folder: Path) -> None:
    tar = folder / "00000.tar"
    whole = tar.read_bytes()
    with mapped(tar) as content:
        found = list(spans(content))
    first, next_one = found[1].members["jpg"], found[3].members["jpg"]
    swallowing = next_one.start - first.offset  # ends where a header begins
    message = damaged(folder, lambda c: with_sizes(c, first.offset - 512, swallowing))
    assert message.startswith(
        f"byte {first.start}: 000000001.jpg of {swallowing} bytes reaches over the member at byte"
    )
    for size in (first.size - 1, first.size - 600, first.size + 5000):
        tar.write_bytes(whole)
        message = damaged(folder, lambda c, s=size: with_sizes(c, first.offset - 512, s))  # type: ignore[misc]
        assert message.startswith("byte ")


def rearranged(folder: Path, order: Callable[[list[tuple[str, bytes]]], object]) -> str:
    """The message about the first shard with its members in another order or of another name."""
    tar = folder / "00000.tar"
    with tarfile.open(tar) as archive:
        members = [(m.name, archive.extractfile(m).read()) for m in archive]  # type: ignore[union-attr]
    order(members)
    with tarfile.open(tar, "w") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    with pytest.raises(LynxError) as caught:
        run(folder)
    assert str(caught.value).startswith(f"{tar}: ")
    return str(caught.value)


def test_members_that_are_not_adjacent_are_an_error(folder: Path) -> None:
    message = rearranged(folder, lambda members: members.append(members.pop(1)))
    assert "the key '000000000' comes again" in message


def test_a_key_that_comes_twice_is_an_error(folder: Path) -> None:
    tar = folder / "00000.tar"
    whole = tar.read_bytes()
    message = rearranged(folder, lambda members: members.insert(3, members[0]))  # adjacent
    assert "000000000.jpg comes again" in message or "000000000.json comes again" in message
    tar.write_bytes(whole)
    message = rearranged(folder, lambda members: members.extend(members[:3]))
    assert "the key '000000000' comes again" in message


def test_a_name_without_an_ending_is_an_error(folder: Path) -> None:
    message = rearranged(folder, lambda members: members.insert(3, ("README", b"")))
    assert "the member 'README' is not named KEY.ENDING" in message


def test_keys_that_two_shards_share_are_an_error(folder: Path) -> None:
    write_tar(folder / "00002.tar", keyed(50, 4, 51, 12))
    write_tar(folder / "00003.tar", keyed(50))
    with pytest.raises(LynxError) as caught:
        run(folder)
    assert str(caught.value).startswith(
        f"{folder / '00002.tar'}: 2 of its keys, such as '000000004', are in 00000.tar too; so "
        "have 1 other pairs of shards"
    )


@pytest.mark.parametrize(
    "keys",
    [
        ("img.v1", "img.v2"),  # readers merge them into one sample that has no picture
        ("img", "img.v2"),  # the second would vanish behind the first
    ],
)
@pytest.mark.parametrize("text", ["txt", "json:caption"])
def test_keys_with_dots_are_an_error(keys: tuple[str, str], text: str, tmp_path: Path) -> None:
    samples = {"before": sample(0)} | {key: sample(n) for n, key in enumerate(keys)}
    tar = write_tar(tmp_path / "web" / "0.tar", samples)
    assert len(list(webdataset.WebDataset(str(tar), shardshuffle=False))) == 2  # of 3
    with pytest.raises(LynxError, match=rf"{tar}: byte \d+: img.v\d.jpg: WebDataset ends a key"):
        run(tmp_path / "web", text=text)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is empty"),
        (b"<html>404 Not Found</html>", "ends at byte 26 without the zeros"),
        (b"<html>" + b"404 Not Found " * 90, "byte 0: the header of a member is damaged"),
    ],
)
def test_a_shard_that_is_no_tar_is_an_error(content: bytes, complaint: str, folder: Path) -> None:
    assert damaged(folder, lambda _: content).startswith(complaint)
