"""Excluded rows are left out and no others, and only of the shards they were listed for."""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest

from lynx.config.errors import LynxError
from lynx.data.exclusions import (
    Excluded,
    ExcludedRow,
    KeptRows,
    SourceExclusions,
    read_exclusions,
    write_exclusions,
)
from lynx.data.sample import Round, Sample
from lynx.data.shards.reading import ShardedSource
from lynx.data.shards.writing import write_shards

NUM_ROWS = 23


def make_source(directory: Path, *, name: str = "talk", start: int = 0) -> ShardedSource:
    samples = (
        Sample(f"{number:06d}", name, "text", (Round({}, f"response {number}"),))
        for number in range(start, start + NUM_ROWS)
    )
    write_shards(
        samples, directory, source=name, samples_per_shard=5, licence="none", builder="a test"
    )
    return ShardedSource(directory)


def exclusions(source: ShardedSource, rows: Iterable[int]) -> SourceExclusions:
    entries = (ExcludedRow(row, f"{row:06d}", "too short") for row in rows)
    return SourceExclusions(source.name, source.fingerprint, len(source), "a test", entries)


def kept(source: ShardedSource, path: Path, rows: Sequence[int]) -> KeptRows:
    write_exclusions(path, [exclusions(source, rows)])
    return KeptRows(source, read_exclusions(path)[source.name])


@pytest.mark.parametrize(
    "rows",
    [[], [0], [22], [0, 1, 2], [21, 22], [5, 6, 7, 8, 9], [3, 0, 3, 17], list(range(1, 23))],
)
def test_the_kept_rows_are_all_the_others_in_their_order(rows: list[int], tmp_path: Path) -> None:
    source = make_source(tmp_path / "talk")
    found = kept(source, tmp_path / "out.jsonl", rows)
    others = [row for row in range(NUM_ROWS) if row not in rows]
    assert len(found) == len(others)
    assert [found.read(row) for row in range(len(found))] == [source.read(r) for r in others]
    assert [found.place(row) for row in range(len(found))] == [source.place(r) for r in others]
    assert [found.stored_row(row) for row in range(len(found))] == others
    assert found.shard_ends == tuple(sum(row < end for row in others) for end in source.shard_ends)
    for beyond in (-1, len(found)):
        with pytest.raises(IndexError, match=f"talk: row {beyond} of {len(found)} kept"):
            found.read(beyond)


class LongSource:
    """As long as no source that a test could write."""

    name, fingerprint, directory = "long", "0" * 16, Path("long")

    def __len__(self) -> int:
        return 100_000_000


def test_a_kept_row_is_found_fast_among_a_million_excluded_ones() -> None:
    rng, source = np.random.default_rng(0), LongSource()
    rows = np.unique(rng.integers(0, len(source), 1_000_000))
    excluded = Excluded(Path("list"), "long", source.fingerprint, len(source), "a test", rows)
    kept_rows = KeptRows(source, excluded)  # type: ignore[arg-type]
    asked = rng.integers(0, len(kept_rows), 10_000).tolist()
    start = time.process_time()
    stored = [kept_rows.stored_row(row) for row in asked]
    assert (time.process_time() - start) / len(asked) < 100e-6  # seconds; a scan takes 500e-6
    assert not np.isin(stored, rows).any()
    before = np.searchsorted(rows, stored)
    assert (np.array(stored) - before).tolist() == asked


def test_the_fingerprint_covers_the_shards_and_the_excluded_rows(tmp_path: Path) -> None:
    source = make_source(tmp_path / "talk")
    other = make_source(tmp_path / "other", start=1)
    path = tmp_path / "out.jsonl"
    found = [
        kept(source, path, [3]).fingerprint,
        kept(source, path, [4]).fingerprint,
        kept(source, path, [3, 4]).fingerprint,
        kept(other, path, [3]).fingerprint,
        source.fingerprint,
    ]
    assert len(set(found)) == len(found)
    assert kept(source, path, [4, 3, 4]).fingerprint == found[2]
    assert kept(source, path, []).fingerprint == source.fingerprint


def test_a_list_for_other_shards_is_refused_with_both_fingerprints(tmp_path: Path) -> None:
    source, other = make_source(tmp_path / "talk"), make_source(tmp_path / "other", start=1)
    path = tmp_path / "out.jsonl"
    write_exclusions(path, [exclusions(source, [3])])
    with pytest.raises(LynxError) as raised:
        KeptRows(other, read_exclusions(path)["talk"])
    for part in (str(path), "talk", source.fingerprint, other.fingerprint):
        assert part in str(raised.value)


def test_a_list_that_leaves_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LynxError, match=r"out.jsonl: talk: leaves out all 23 rows"):
        kept(make_source(tmp_path / "talk"), tmp_path / "out.jsonl", range(NUM_ROWS))


def test_a_file_holds_several_sources_and_files_can_be_joined(tmp_path: Path) -> None:
    talk, chat = make_source(tmp_path / "talk"), make_source(tmp_path / "chat", name="chat")
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    assert write_exclusions(first, [exclusions(talk, [2, 1]), exclusions(chat, [])]) == 2
    assert write_exclusions(second, [exclusions(talk, [7, 1])]) == 2
    joined = tmp_path / "joined.jsonl"
    joined.write_text(first.read_text() + second.read_text())
    found = read_exclusions(joined)
    assert found["talk"].rows.tolist() == [1, 2, 7]
    assert found["chat"].rows.tolist() == []
    assert found["chat"] == Excluded(
        joined, "chat", chat.fingerprint, NUM_ROWS, "a test", found["chat"].rows
    )


def test_a_list_whose_making_failed_leaves_the_old_one(tmp_path: Path) -> None:
    source, path = make_source(tmp_path / "talk"), tmp_path / "out.jsonl"
    write_exclusions(path, [exclusions(source, [2])])
    before = path.read_text()
    with pytest.raises(ZeroDivisionError):
        write_exclusions(path, [exclusions(source, (1 // (3 - row) for row in range(5)))])
    assert path.read_text() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.jsonl", "talk"]


def test_what_is_wrong_with_a_file_is_told_with_its_line(tmp_path: Path) -> None:
    source, path = make_source(tmp_path / "talk"), tmp_path / "out.jsonl"
    write_exclusions(path, [exclusions(source, [2, 3])])
    head, second, third = path.read_text().splitlines(keepends=True)
    for text, message in [
        (head + second, r"out.jsonl: has 1 rows of talk, its header states 2; the file was cut"),
        (second + head, r"out.jsonl: line 1: row 2 of 'talk' comes before"),
        (head + second + third.replace("3,", "23,"), r"line 3: 23 is no row of talk, which has 23"),
        (head + second + "{", r"out.jsonl: not readable as JSON lines"),
        (head + second + "[]", r"line 3: \[\] is neither a header nor a row"),
        (head.replace("made_by", "by"), r"line 1: unknown key `by`"),
        (head + second.replace("key", "id"), r"line 2: unknown key `id`"),
        (head.replace("23", '"x"'), r"line 1: num_rows is 'x'"),
        (
            head + second + third + head.replace(source.fingerprint, "0" * 16),
            r"line 4: a second header of talk has fingerprint 0{16}, the first",
        ),
    ]:
        path.write_text(text)
        with pytest.raises(LynxError, match=message):
            read_exclusions(path)
    with pytest.raises(LynxError, match=r"nowhere: no exclusions here: No such file"):
        read_exclusions(tmp_path / "nowhere")


def test_kept_rows_work_after_pickling(tmp_path: Path) -> None:
    found = kept(make_source(tmp_path / "talk"), tmp_path / "out.jsonl", [0])
    again = pickle.loads(pickle.dumps(found))
    assert again.read(0) == found.read(0)
    assert again.fingerprint == found.fingerprint
