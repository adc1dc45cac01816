"""Groups the members of a whole tar file into samples, strictly: what is not sound is an error."""

from __future__ import annotations

import mmap
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lynx.data.shards.tar import (
    BLOCK,
    Bytes,
    DamagedTarError,
    Member,
    checked_members,
    is_header,
    key_and_ending,
)

_MARK = np.frombuffer(b"ustar", dtype=np.uint8)  # of a header, from byte 257
_MARK_PLACE = slice(257, 262)


class Span(NamedTuple):
    """The bytes of one sample in its tar, from its first header to the end of its last block."""

    key: str
    start: int
    end: int
    members: dict[str, Member]  # by ending


@contextmanager
def mapped(path: Path) -> Iterator[mmap.mmap]:
    """The file in memory; an empty file is a DamagedTarError."""
    with path.open("rb") as stream:
        try:
            content = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError as error:
            raise DamagedTarError("is empty") from error
        with content:
            yield content


def spans(content: Bytes) -> Iterator[Span]:
    """All samples in order: neighbours with the same key.

    DamagedTarError for what `checked_members` refuses, a key or an ending that comes again, and a
    member that holds headers of others: its size is wrong, and they would vanish in it.
    """
    seen: set[str] = set()
    key, found, headers = "", dict[str, Member](), _likely_headers(content)
    for member in _named(content):
        own, ending = key_and_ending(member.name)
        if own != key:
            if found:
                yield _span(key, found)
            if own in seen:
                raise DamagedTarError(f"byte {member.start}: the key {own!r} comes again")
            seen.add(own)
            key, found = own, {}
        if ending in found:
            raise DamagedTarError(f"byte {member.start}: {own}.{ending} comes again")
        _check_swallowed(member, content, headers)
        found[ending] = member
    if found:
        yield _span(key, found)


def sound_key(damaged: bytes) -> str:
    """The key that most of the sound headers in a sample's damaged bytes have; "" if none leads."""
    votes = Counter[str]()
    at = 0
    for header in _likely_headers(damaged):
        if header < at:  # the one before was its extended header
            continue
        try:
            member = next(checked_members(damaged[header:]))
            votes[key_and_ending(member.name)[0]] += 1
        except (DamagedTarError, UnicodeDecodeError, StopIteration):
            continue
        at = header + member.offset
    leading = [*votes.most_common(2), ("", 0), ("", 0)]
    return leading[0][0] if leading[0][1] > leading[1][1] else ""


def _named(content: Bytes) -> Iterator[Member]:
    end = 0
    try:
        for member in checked_members(content):
            yield member
            end = _end(member)
    except UnicodeDecodeError as error:
        raise DamagedTarError(f"the name {error.object!r} of a member is no UTF-8") from error
    except DamagedTarError as error:
        raise DamagedTarError(_appended(content, end) or str(error)) from error


def _appended(content: Bytes, end: int) -> str:
    """What follows the zeros after the last member where that is no member; or nothing."""
    if any(content[end : end + BLOCK]):
        return ""
    rest = content[end : len(content)]
    if any(is_header(rest[at : at + BLOCK]) for at in range(0, len(rest) - BLOCK + 1, BLOCK)):
        return ""
    num_zeros, found = len(rest) - len(rest.lstrip(b"\0")), rest.strip(b"\0")
    if not found:  # too few zeros
        return ""
    return f"byte {end + num_zeros}: {len(found)} bytes follow the end of the archive"


def _check_swallowed(member: Member, content: Bytes, headers: Sequence[int]) -> None:
    for number in range(bisect_left(headers, member.offset), len(headers)):
        at = headers[number]
        if at >= member.offset + member.size:
            return
        if is_header(content[at : at + BLOCK]):
            raise DamagedTarError(
                f"byte {member.start}: {member.name} of {member.size} bytes reaches over the "
                f"member at byte {at}: its size is wrong"
            )


def _likely_headers(content: Bytes) -> list[int]:
    """Offsets of all blocks that have the mark of a header."""
    buffer: Any = content
    flat = np.frombuffer(buffer, dtype=np.uint8, count=len(content) // BLOCK * BLOCK)
    marks = flat.reshape(-1, BLOCK)[:, _MARK_PLACE]
    found = np.flatnonzero(marks[:, 0] == _MARK[0])
    return (found[(marks[found] == _MARK).all(axis=1)] * BLOCK).tolist()


def _span(key: str, found: dict[str, Member]) -> Span:
    ordered = list(found.values())
    return Span(key, ordered[0].start, _end(ordered[-1]), found)


def _end(member: Member) -> int:
    return member.offset + -(-member.size // BLOCK) * BLOCK
