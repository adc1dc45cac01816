"""How long answers are, in words, characters and tokens (paper section 3.2, prompt diversity).

The paper compares mean answer lengths (15.81 and 20.15) without saying in which unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lynx.evaluation.results import Prediction
from lynx.evaluation.statistics import paired_mean


@dataclass(frozen=True)
class Length:
    """Mean over the answers with its 95 % interval (Student)."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Lengths:
    """Of all answers to a benchmark, empty ones included; tokens None where a model counts none."""

    n: int
    empty: int
    words: Length
    characters: Length
    tokens: Length | None


def lengths_of(predictions: Sequence[Prediction]) -> Lengths:
    """Words are what whitespace parts; tokens are the model's own, without EOS."""
    texts = [prediction.prediction for prediction in predictions]
    tokens = [p.num_tokens for p in predictions if p.num_tokens is not None]
    return Lengths(
        n=len(texts),
        empty=sum(not text.strip() for text in texts),
        words=_length([len(text.split()) for text in texts]),
        characters=_length([len(text) for text in texts]),
        tokens=_length(tokens) if len(tokens) == len(texts) else None,
    )


def _length(values: Sequence[int]) -> Length:
    mean = paired_mean(values)
    return Length(mean.value, mean.interval.low, mean.interval.high)
