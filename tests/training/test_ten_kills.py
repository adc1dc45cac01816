"""Tests that a run killed at random moments trains on the very samples of one left alone.

A short form of `python -m benchmarks.killed_and_resumed`, and what its comparison can see.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.trained_samples import Step, differing_steps, sample_hashes
from lynx.data.batch import Batch, Document, collate
from lynx.data.text import Encoded
from tests.tiny import NUM_QUERIES, document

REPOSITORY = Path(__file__).parents[2]


def test_kills_workers_and_world_sizes_change_no_sample_of_any_step(tmp_path: Path) -> None:
    script = [sys.executable, "-m", "benchmarks.killed_and_resumed", "--folder", str(tmp_path)]
    script += ["--steps", "30", "--kills", "3", "--checkpoint-kills", "2"]
    done = subprocess.run(
        script, cwd=REPOSITORY, capture_output=True,
        text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "verdict: the same run" in done.stdout
    assert done.stdout.count("inside the writing of step") == 2
    for setting in ("workers 0, world 1", "workers 1, world 2", "workers 4, world 1"):
        assert f": {setting}, step" in done.stdout


def batch_of_three(pack_length: int = 64) -> Batch:
    made = [document(number, num_frames=frames) for number, frames in enumerate((1, 0, 3))]
    texts = [[*one.prompt, *one.response] for one in made]
    documents = [
        Document(one.frames, Encoded(text, text), number, number)
        for number, (one, text) in enumerate(zip(made, texts, strict=True))
    ]
    return collate(
        documents, pack_length=pack_length, num_queries=NUM_QUERIES, image_size=28, pad_token_id=0
    )


def test_a_samples_hash_tells_pixels_and_tokens_and_not_its_place_in_rows() -> None:
    batch = batch_of_three()
    hashes = list(sample_hashes(batch))
    apart = batch_of_three(pack_length=24)
    assert len(apart.input_ids) > len(batch.input_ids)
    assert sorted(hashes) == sorted(sample_hashes(apart))
    assert len(set(hashes)) == 3
    pixels, tokens = batch.pixel_values.clone(), batch.input_ids.clone()
    pixels[-1, 0, 0, 0] += 1
    tokens[0, 6] += 1
    for number, changed in ((2, {"pixel_values": pixels}), (0, {"input_ids": tokens})):
        found = list(sample_hashes(replace(batch, **changed)))
        assert [one != other for one, other in zip(found, hashes, strict=True)] == [
            index == number for index in range(3)
        ]


@pytest.mark.parametrize(
    "change", [{"samples": ("a", "c")}, {"positions": (0, 2)}, {"samples": ("a",)}]
)
def test_a_step_with_another_sample_is_found(change: dict[str, tuple[int, ...]]) -> None:
    step = Step(life=0, world_size=1, positions=(0, 1), samples=("a", "b"))
    assert differing_steps({0: step, 1: step}, {0: step, 1: replace(step, life=3)}) == []
    assert differing_steps({0: step, 1: step}, {0: step, 1: replace(step, **change)}) == [1]
    assert differing_steps({0: step}, {0: step, 1: step}) == [1]
