"""Decodes with `transformers` by a row of Table 9, whatever the model's own settings are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile
from typing import Any

import torch
from torch import Tensor
from transformers import (
    LogitsProcessor,
    LogitsProcessorList,
    MinLengthLogitsProcessor,
    NoRepeatNGramLogitsProcessor,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from lynx.evaluation.asking import Decoding
from lynx.model.generation import GumbelNoise

# What Table 9 doesn't name: else the checkpoint's own generation_config.json would decide.
_NEUTRAL: dict[str, Any] = {
    "temperature": 1.0,
    "repetition_penalty": 1.0,
    "encoder_repetition_penalty": 1.0,
    "typical_p": 1.0,
    "min_p": 0.0,
    "epsilon_cutoff": 0.0,
    "eta_cutoff": 0.0,
    "early_stopping": False,
    "num_return_sequences": 1,
    "no_repeat_ngram_size": 0,  # ours counts the answer alone
    "encoder_no_repeat_ngram_size": 0,
    "renormalize_logits": False,
    "min_length": 0,
    "use_cache": True,
}
_LEAST_TOKENS = 1  # of an answer


class OnTheAnswer(LogitsProcessor):
    """A processor that sees the answer's tokens and not the prompt's.

    Table 9's ban on repeated n-grams is meant for the answer, and the release counts it so.
    """

    def __init__(self, inner: LogitsProcessor, start: int) -> None:
        self._inner, self._start = inner, start

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """input_ids (B, T), scores (B, vocabulary) -> scores."""
        processed: Tensor = self._inner(input_ids[:, self._start :], scores)
        return processed


class OneEnd(LogitsProcessor):
    """Makes several end tokens one event: the first gets the chance of all.

    transformers draws (1 + end tokens) * beams candidates at every step of beam sampling. With two
    end tokens and Table 9's three beams and top 3, these are all there are: nothing is drawn.
    """

    def __init__(self, end_ids: Sequence[int]) -> None:
        self._ids = list(end_ids)

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """scores (B, vocabulary) -> the same, without the other end tokens."""
        scores = scores.clone()
        scores[:, self._ids[0]] = scores[:, self._ids].logsumexp(dim=1)
        scores[:, self._ids[1:]] = -torch.inf
        return scores


def is_drawn_alone(row: Decoding) -> bool:
    """Whether a row draws so that answers of one batch would depend on each other."""
    return bool(row["do_sample"]) and int(row["num_beams"]) > 1


def new_ids(
    generate: Callable[..., Tensor],
    inputs: Mapping[str, Tensor],
    *,
    row: Decoding,
    seeds: Sequence[int],
    start: int,
    end_ids: Sequence[int],
    pad_id: int,
    banned_ids: Sequence[int] = (),
) -> list[list[int]]:
    """Token ids of each answer, ended before the first of `end_ids`.

    row: of Table 9. seeds: one per answer, for rows that sample; those that sample beams take one
    answer at a time. start: place of the first new token in what `generate` returns.

    Beams follow the rules of the installed transformers, which differ from the release's library
    in how the first tokens of sampled beams come about (`lynx/model/beam_search.py`).
    """
    samples, beams = bool(row["do_sample"]), int(row["num_beams"])
    settings = {
        **_NEUTRAL,
        "max_new_tokens": row["max_new_tokens"],
        "num_beams": beams,
        "do_sample": is_drawn_alone(row),
        "eos_token_id": list(end_ids),
        "pad_token_id": pad_id,
        "bad_words_ids": [[one] for one in banned_ids] or None,
    }
    if beams > 1:
        settings["length_penalty"] = row["length_penalty"]
    if is_drawn_alone(row):
        settings |= {"top_k": row["top_k"], "top_p": row["top_p"], "eos_token_id": end_ids[0]}
    device = next(iter(inputs.values())).device
    least = MinLengthLogitsProcessor(_LEAST_TOKENS, list(end_ids), device=str(device))
    processors = LogitsProcessorList([OnTheAnswer(least, start)])
    if row["no_repeat_ngram_size"] > 0:
        ban = NoRepeatNGramLogitsProcessor(row["no_repeat_ngram_size"])
        processors.append(OnTheAnswer(ban, start))
    if is_drawn_alone(row):
        processors.append(OneEnd(end_ids))
    if samples and beams == 1:
        processors.extend(_drawing(row, seeds, device))
    with torch.random.fork_rng(), torch.no_grad():
        if is_drawn_alone(row):
            (seed,) = seeds
            torch.manual_seed(seed)
        output = generate(**inputs, **settings, logits_processor=processors)
    return [_before_end(ids, end_ids) for ids in output[:, start:].tolist()]


def _drawing(row: Decoding, seeds: Sequence[int], device: torch.device) -> list[LogitsProcessor]:
    """Truncation as the row says, then noise by which the greedy choice is a draw of each row."""
    found: list[LogitsProcessor] = []
    if row["top_k"] > 0:
        found.append(TopKLogitsWarper(top_k=row["top_k"]))
    if row["top_p"] < 1.0:
        found.append(TopPLogitsWarper(top_p=row["top_p"]))
    return [*found, GumbelNoise(seeds, device)]


def _before_end(ids: list[int], end_ids: Sequence[int]) -> list[int]:
    return list(takewhile(lambda token: token not in end_ids, ids))
