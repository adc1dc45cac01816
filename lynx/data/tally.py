"""Counts what a rank was really given: samples and tokens per source, and how full the rows are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch

from lynx.data.batch import Batch


class RealisedMix(NamedTuple):
    """What all ranks were given since a stage began, by source.

    tokens: with vision tokens. useful_share: tokens as a share of all places of the rows.
    """

    samples: dict[str, int]
    tokens: dict[str, int]
    useful_share: float


@dataclass
class Tally:
    """Sums over batches; those of several ranks add up.

    samples, tokens: by source number, tokens with their vision tokens. places: of all rows,
    padding included.
    """

    num_sources: int
    samples: list[int] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    places: int = 0

    def __post_init__(self) -> None:
        self.samples = self.samples or [0] * self.num_sources
        self.tokens = self.tokens or [0] * self.num_sources

    def count(self, batch: Batch) -> None:
        """Add a batch."""
        used = batch.source_ids[batch.source_ids >= 0]
        starts = batch.source_ids[(batch.source_ids >= 0) & (batch.position_ids == 0)]
        self.tokens = _sum(self.tokens, torch.bincount(used, minlength=self.num_sources).tolist())
        self.samples = _sum(
            self.samples, torch.bincount(starts, minlength=self.num_sources).tolist()
        )
        self.places += batch.source_ids.numel()

    def by_source(self, names: Sequence[str]) -> RealisedMix:
        """The sums by the names of the sources."""
        return RealisedMix(
            samples=dict(zip(names, self.samples, strict=True)),
            tokens=dict(zip(names, self.tokens, strict=True)),
            useful_share=sum(self.tokens) / max(self.places, 1),
        )

    def state(self) -> dict[str, Any]:
        """Plain lists and numbers."""
        return {"samples": self.samples, "tokens": self.tokens, "places": self.places}

    @classmethod
    def total(cls, num_sources: int, states: Iterable[dict[str, Any]]) -> Tally:
        """The sum of what `state` gave on several ranks."""
        found = cls(num_sources)
        for state in states:
            found.samples = _sum(found.samples, state["samples"])
            found.tokens = _sum(found.tokens, state["tokens"])
            found.places += state["places"]
        return found


def _sum(one: Sequence[int], other: Sequence[int]) -> list[int]:
    return [a + b for a, b in zip(one, other, strict=True)]
