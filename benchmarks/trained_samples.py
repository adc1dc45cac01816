"""Records a hash of every sample that a run really trains on, and reads the records back."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L

from lynx.data.batch import Batch


class Recorder(L.Callback):
    """Appends a line per micro batch, when its training begins, to a file that all ranks share."""

    def __init__(self, path: Path, *, life: int, stage: str) -> None:
        self._path, self._life, self._stage = path, life, stage

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Write which samples the micro batch has."""
        line = {
            "stage": self._stage,
            "life": self._life,
            "step": trainer.global_step,
            "rank": trainer.global_rank,
            "positions": batch.positions,
            "samples": list(sample_hashes(batch)),
        }
        # One write to the end of a local file is whole, whoever else writes.
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            os.write(descriptor, (json.dumps(line) + "\n").encode())
        finally:
            os.close(descriptor)


def sample_hashes(batch: Batch) -> Iterator[str]:
    """Of each document of the rows: source, tokens, labels, and the pixels after augmentation."""
    first, groups = 0, iter([] if batch.is_blank else batch.num_frames.tolist())
    for row, documents in enumerate(batch.document_ids):
        for number in range(1, int(documents.max()) + 1):
            here = documents == number
            digest = hashlib.sha256()
            for column in (batch.source_ids, batch.vision_mask, batch.input_ids, batch.labels):
                digest.update(column[row][here].numpy().tobytes())
            if batch.vision_mask[row][here].any():
                last = first + next(groups)
                digest.update(batch.pixel_values[first:last].numpy().tobytes())
                first = last
            yield digest.hexdigest()[:16]


@dataclass(frozen=True)
class Step:
    """What an optimizer step was trained on: positions and hashes of its samples, sorted."""

    life: int
    world_size: int
    positions: tuple[int, ...]
    samples: tuple[str, ...]


def read_lines(path: Path, stage: str) -> list[dict[str, Any]]:
    """The records of the stage so far; a line that is being written is left out."""
    if not path.exists():
        return []
    lines = path.read_text().split("\n")[:-1]
    return [line for line in map(json.loads, lines) if line["stage"] == stage]


def history(path: Path, stage: str) -> dict[int, Step]:
    """Each step of the stage as the last life that began it did it: earlier ones were lost."""
    lines = read_lines(path, stage)
    last_life = {line["step"]: line["life"] for line in lines}
    steps: dict[int, Step] = {}
    for step, life in sorted(last_life.items()):
        own = [line for line in lines if line["step"] == step and line["life"] == life]
        steps[step] = Step(
            life=life,
            world_size=1 + max(line["rank"] for line in own),
            positions=tuple(sorted(one for line in own for one in line["positions"])),
            samples=tuple(sorted(one for line in own for one in line["samples"])),
        )
    return steps


def differing_steps(one: dict[int, Step], other: dict[int, Step]) -> list[int]:
    """Steps that only one history has, or whose samples are not the same."""
    return [
        step
        for step in sorted(one.keys() | other.keys())
        if step not in one
        or step not in other
        or one[step].positions != other[step].positions
        or one[step].samples != other[step].samples
    ]
