"""Samples that can't be read: replaced by the next of their source, counted, too many refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from lynx.config.errors import LynxError
from lynx.config.recipe_files import load_recipe
from tests.tiny import tiny_catalog


def damaged(tmp_path: Path, source: str, *, rows: tuple[int, ...]) -> dict[str, Path]:
    """A catalog of its own whose `source` has the given rows overwritten; four rows a shard."""
    shards = tiny_catalog(tmp_path)
    for row in rows:
        tar = sorted(shards[source].glob("*.tar"))[row // 4]
        content = bytearray(tar.read_bytes())
        # Only the json member has the rounds; the key of the sample stands in its tar header.
        place = content.index(f"{row:04d}.json".encode())
        content[place + 520] ^= 0xFF
        tar.write_bytes(content)
    return shards


def most_frequent(recipe: str) -> str:
    sources = load_recipe(recipe).sources
    return max(sources, key=lambda name: sources[name].weight or 0)


def test_a_damaged_sample_is_replaced_and_moves_no_other(make: Any, tmp_path: Path) -> None:
    source = most_frequent("instruct")
    whole = make(micro_batch_size=1, steps=6)
    hurt = make(
        micro_batch_size=1,
        steps=6,
        shards=damaged(tmp_path, source, rows=(2,)),
        data__num_workers=2,
    )
    pairs = list(zip(whole.train_dataloader(), hurt.train_dataloader(), strict=True))
    changed = [other for one, other in pairs if not torch.equal(one.labels, other.labels)]
    assert hurt.unreadable() == {source: 1}
    assert changed
    for batch in changed:
        assert [(failure.source, failure.row) for failure in batch.failures] == [(source, 2)]
        assert hurt.source_names[int(batch.source_ids[0, 0])] == source
    assert hurt.realised_mix().samples == whole.realised_mix().samples


@pytest.mark.parametrize("num_workers", [0, 2])
def test_too_many_damaged_samples_stop_the_run(make: Any, tmp_path: Path, num_workers: int) -> None:
    source = most_frequent("instruct")
    data = make(
        steps=20,
        shards=damaged(tmp_path, source, rows=(1, 5)),
        data__max_failures_per_source=0.2,
        data__num_workers=num_workers,
    )
    message = rf"^source `{source}`: 2 of 6 .* 0.2 .*{source}-00000[01].tar row 1"
    with pytest.raises(LynxError, match=message):
        list(data.train_dataloader())


@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_source_without_a_readable_sample_is_named(
    make: Any, tmp_path: Path, num_workers: int
) -> None:
    source = most_frequent("instruct")
    shards = damaged(tmp_path, source, rows=tuple(range(6)))
    with pytest.raises(LynxError, match=rf"^source `{source}` .* 6 samples in a row"):
        list(make(shards=shards, data__num_workers=num_workers).train_dataloader())
