"""Rows that can't be used: each told once, counted over all lives, and stopped beyond chance."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lynx.config.errors import LynxError
from lynx.config.schema import DataConfig
from lynx.data.batch import Failure
from lynx.data.exclusions import Excluded, KeptRows
from lynx.data.module import LynxDataModule
from lynx.data.quarantine import Quarantine, allowed_failures
from lynx.data.shards.reading import ShardedSource
from tests.data.test_unreadable_samples import damaged, most_frequent


def failure(row: int, source: str = "cats") -> Failure:
    return Failure(position=10 * row, source=source, row=row, reason=f"row {row} is broken")


def rows_of(path: Path) -> list[int]:
    return [json.loads(line)["row"] for line in path.read_text().splitlines()]


def test_a_row_is_written_once_whoever_finds_it(tmp_path: Path) -> None:
    path = tmp_path / "stage/quarantine.jsonl"
    one, other = Quarantine(path), Quarantine(path)
    assert one.add(failure(3)) and not one.add(failure(3)) and not other.add(failure(3))
    assert other.add(failure(4)) and not one.add(failure(4))
    assert other.add(failure(3, "dogs"))
    assert rows_of(path) == [3, 4, 3]
    assert Quarantine(path).counts == one.counts == {"cats": 2, "dogs": 1}


def test_a_line_that_a_kill_has_cut_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.jsonl"
    Quarantine(path).add(failure(1))
    with path.open("a") as stream:
        stream.write('{"position": 7, "sour')
    later = Quarantine(path)
    assert later.counts == {"cats": 1}
    assert later.add(failure(2))
    assert Quarantine(path).counts == later.counts == {"cats": 2}


def test_without_a_file_the_process_remembers() -> None:
    memory = Quarantine()
    assert memory.add(failure(1)) and not memory.add(failure(1))
    assert memory.counts == {"cats": 1} and not memory.is_shared


def test_one_percent_of_damage_does_not_stop_a_run_by_chance() -> None:
    """The rule as it is applied at each failure, with the default that ships."""
    size, share = 50_000, DataConfig.max_failures_per_source
    for seed in range(30):
        rng, count = random.Random(seed), 0
        for tried in range(1, size + 1):
            if rng.random() < 0.01:
                count += 1
                judged = min(size, max(tried, 1000))
                assert count <= allowed_failures(share, judged=judged, size=size)


def test_three_times_the_allowed_damage_stops_soon() -> None:
    size, share = 50_000, DataConfig.max_failures_per_source
    for seed in range(30):
        rng, count = random.Random(seed), 0
        for tried in range(1, size + 1):
            count += rng.random() < 3 * share
            if count > allowed_failures(share, judged=min(size, max(tried, 1000)), size=size):
                break
        assert tried < 2000


def test_a_single_broken_row_of_a_small_source_is_borne() -> None:
    assert allowed_failures(0.02, judged=6, size=6) == 1
    assert allowed_failures(0.5, judged=6, size=6) == 3


def stops(data: LynxDataModule, path: Path) -> bool:
    data.quarantine = Quarantine(path)
    try:
        list(data.train_dataloader())
    except LynxError as error:
        assert "samples can't be used" in str(error)
        return True
    return False


@pytest.mark.parametrize("world_size", [1, 2])
def test_a_run_that_was_stopped_for_its_failures_stops_again(
    make: Any, tmp_path: Path, world_size: int
) -> None:
    source, path = most_frequent("instruct"), tmp_path / "quarantine.jsonl"
    shards = damaged(tmp_path, source, rows=(1, 5))

    def life(rank: int) -> LynxDataModule:
        settings = {"steps": 30, "micro_batch_size": 4, "data__max_failures_per_source": 0.2}
        return make(rank=rank, world_size=world_size, shards=shards, **settings)

    first = life(0)
    assert stops(first, path)
    for rank in range(world_size):
        again = life(rank)
        again.load_state_dict(first.state_dict())
        assert stops(again, path)
    assert sorted(rows_of(path)) == [1, 5]


def test_the_row_of_a_source_with_exclusions_is_that_of_its_shards(
    catalog: dict[str, Path], tmp_path: Path
) -> None:
    source = ShardedSource(catalog["gqa"])
    rows = np.array([0, 2])
    kept = KeptRows(source, Excluded(tmp_path, "gqa", source.fingerprint, 6, "tests", rows))
    assert [kept.stored_row(row) for row in range(4)] == [1, 3, 4, 5]
    assert [source.stored_row(row) for row in range(3)] == [0, 1, 2]
