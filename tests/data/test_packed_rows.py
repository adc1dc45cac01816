"""Rows hold all documents once and no more than fits; balanced ones waste little."""

from __future__ import annotations

import random
from typing import get_args

import pytest

from lynx.config.errors import LynxError
from lynx.data.packing import Packing, packed_rows

NUM_QUERIES = 32
PACKINGS: tuple[Packing, ...] = get_args(Packing)


def lengths_of(kind: str, count: int, rng: random.Random) -> list[int]:
    """Tokens of samples: short captions, questions, or questions with captions and dialogues."""

    def one() -> int:
        if kind == "captions":
            return rng.randint(5, 60)
        part = rng.random() if kind == "mixture" else 0.0
        if part < 0.7:
            return min(400, 3 + round(rng.lognormvariate(2.5, 0.5)))
        return rng.randint(5, 60) if part < 0.95 else rng.randint(200, 400)

    return [NUM_QUERIES + one() for _ in range(count)]


@pytest.mark.parametrize("packing", PACKINGS)
def test_every_document_is_in_one_row_and_no_row_is_too_long(packing: Packing) -> None:
    rng = random.Random(0)
    for _ in range(200):
        lengths = [rng.randint(1, 100) for _ in range(rng.randint(1, 60))]
        rows = packed_rows(lengths, pack_length=100, packing=packing)
        assert sorted(number for row in rows for number in row) == list(range(len(lengths)))
        assert all(row == sorted(row) for row in rows)
        assert max(sum(lengths[number] for number in row) for row in rows) <= 100
        assert packed_rows(lengths, pack_length=100, packing=packing) == rows


@pytest.mark.parametrize("kind", ["captions", "questions", "mixture"])
@pytest.mark.parametrize(("count", "pack_length"), [(48, 512), (48, 1024), (256, 1024)])
def test_balanced_rows_are_less_than_five_percent_padding(
    kind: str, count: int, pack_length: int
) -> None:
    rng = random.Random(1)
    used = places = 0
    for _ in range(50):
        lengths = lengths_of(kind, count, rng)
        rows = packed_rows(lengths, pack_length=pack_length, packing="balanced")
        width = max(sum(lengths[number] for number in row) for row in rows)
        used += sum(lengths)
        places += len(rows) * -(-width // 8) * 8
    assert 1 - used / places < 0.05


def test_without_packing_each_document_has_a_row() -> None:
    assert packed_rows([3, 1, 2], pack_length=9, packing="none") == [[0], [1], [2]]


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_document_longer_than_a_row_is_refused(packing: Packing) -> None:
    with pytest.raises(LynxError, match=r"data.pack_length: a sample has 101 tokens"):
        packed_rows([3, 101], pack_length=100, packing=packing)
