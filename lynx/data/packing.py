"""Which documents of a micro batch share a row: a function of their lengths alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from lynx.config.errors import LynxError

Packing = Literal["balanced", "first_fit", "none"]


def packed_rows(lengths: Sequence[int], *, pack_length: int, packing: Packing) -> list[list[int]]:
    """Numbers of the documents in each row of at most `pack_length` tokens, ascending in a row.

    first_fit: each document in turn goes into the first row that has room, so that rows are as full
    as a queue makes them and the last is as full as it happens to be. balanced: the longest first,
    each into the emptiest of as few rows as they need: rows become equally long, and since a batch
    is as wide as its longest row, little is padding even where a micro batch fills few rows. none:
    a row for each, to see what the others save.
    LynxError if a document is longer than a row.
    """
    longest = max(lengths)
    if longest > pack_length:
        raise LynxError(
            f"data.pack_length: a sample has {longest} tokens with its vision tokens, a row has "
            f"room for {pack_length}; raise data.pack_length or lower data.max_text_tokens"
        )
    if packing == "none":
        return [[number] for number in range(len(lengths))]
    if packing == "first_fit":
        return _first_fit(lengths, pack_length)
    num_rows = -(-sum(lengths) // pack_length)
    while (rows := _balanced(lengths, pack_length, num_rows)) is None:
        num_rows += 1
    return rows


def _first_fit(lengths: Sequence[int], pack_length: int) -> list[list[int]]:
    rows: list[list[int]] = []
    free: list[int] = []
    for number, length in enumerate(lengths):
        index = next((i for i, room in enumerate(free) if room >= length), len(rows))
        if index == len(rows):
            rows.append([])
            free.append(pack_length)
        rows[index].append(number)
        free[index] -= length
    return rows


def _balanced(lengths: Sequence[int], pack_length: int, num_rows: int) -> list[list[int]] | None:
    """Nothing where that many rows don't take all documents this way."""
    rows: list[list[int]] = [[] for _ in range(num_rows)]
    used = [0] * num_rows
    for number in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        index = used.index(min(used))
        if used[index] + lengths[number] > pack_length:
            return None
        rows[index].append(number)
        used[index] += lengths[number]
    return [sorted(row) for row in rows]
