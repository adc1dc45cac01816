"""Decodes answers so that a row's answer doesn't depend on the other rows of its batch."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

import torch
from torch import Tensor
from transformers import (
    LlamaForCausalLM,
    LogitsProcessor,
    LogitsProcessorList,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from lynx.model.beam_search import release_beam_search

# What Table 9 does not name: else the language model's own generation_config.json would decide.
_NEUTRAL = {"temperature": 1.0, "repetition_penalty": 1.0}
_LEAST_TOKENS = 1  # of an answer: the release's min_length is 2, with BOS


class GumbelNoise(LogitsProcessor):
    """Turns the greedy choice into a sample from the softmax, with a generator of its own per row.

    The largest of log p + Gumbel noise is distributed as p; so rows of a batch are independent.
    """

    def __init__(self, seeds: Sequence[int], device: torch.device) -> None:
        self._generators = [torch.Generator(device).manual_seed(seed) for seed in seeds]

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """(B, vocabulary) -> the same with noise added."""
        draws = [
            torch.rand(scores.shape[1], generator=generator, device=scores.device)
            for generator in self._generators
        ]
        exponential = -torch.log(torch.stack(draws).clamp(min=torch.finfo(torch.float32).tiny))
        return scores - torch.log(exponential.clamp(min=torch.finfo(torch.float32).tiny))


def generate_rows(
    language_model: LlamaForCausalLM,
    rows: Sequence[Tensor],
    *,
    settings: Mapping[str, Any],
    seeds: Sequence[int],
) -> list[list[int]]:
    """New token ids of each row of embeddings (T_i, hidden), ended before EOS.

    settings: max_new_tokens, num_beams, top_p, top_k, length_penalty, no_repeat_ngram_size and
    do_sample, as Table 9 names them. An answer has at least one token.
    """
    samples, beams = bool(settings["do_sample"]), int(settings["num_beams"])
    options: dict[str, Any] = {"num_beams": beams, "do_sample": samples and beams > 1}
    if beams > 1:
        options |= {
            "custom_generate": release_beam_search,
            "length_penalty": settings["length_penalty"],
        }
    if samples and beams > 1:
        device = rows[0].device
        generators = [torch.Generator(device).manual_seed(seed) for seed in seeds]
        options |= {
            "generators": generators,
            "top_k": settings["top_k"],
            "top_p": settings["top_p"],
        }
    elif samples:
        options["logits_processor"] = _sampling_processors(settings, seeds, rows[0].device)
    return _generate(language_model, rows, settings=settings, options=options)


def _sampling_processors(
    settings: Mapping[str, Any], seeds: Sequence[int], device: torch.device
) -> LogitsProcessorList:
    processors = LogitsProcessorList()
    if settings["top_k"] > 0:
        processors.append(TopKLogitsWarper(top_k=settings["top_k"]))
    if settings["top_p"] < 1.0:
        processors.append(TopPLogitsWarper(top_p=settings["top_p"]))
    processors.append(GumbelNoise(seeds, device))
    return processors


def _generate(
    language_model: LlamaForCausalLM,
    rows: Sequence[Tensor],
    *,
    settings: Mapping[str, Any],
    options: Mapping[str, Any],
) -> list[list[int]]:
    """One call of `transformers`' generate; whole rows are padded on the left."""
    embeds, attention_mask = left_padded(rows)
    config = language_model.generation_config
    # Table 9's ban on repeated n-grams is meant for the answer alone, as the release counts it too.
    warnings.filterwarnings("ignore", message="Passing `no_repeat_ngram_size`")
    output: Any = language_model.generate(
        inputs_embeds=embeds,
        attention_mask=attention_mask,
        max_new_tokens=settings["max_new_tokens"],
        min_new_tokens=_LEAST_TOKENS + int(options["num_beams"] > 1),  # there BOS is counted
        no_repeat_ngram_size=settings["no_repeat_ngram_size"],
        pad_token_id=config.pad_token_id,
        use_cache=True,
        **_NEUTRAL,
        **options,
    )
    if isinstance(output, list):  # from beams, without EOS
        return output
    return [_before_end(ids, config.eos_token_id) for ids in output.tolist()]


def left_padded(rows: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Embeddings (B, T, hidden) and their attention mask (B, T)."""
    longest = max(len(row) for row in rows)
    embeds = rows[0].new_zeros(len(rows), longest, rows[0].shape[1])
    mask = torch.zeros(len(rows), longest, dtype=torch.long, device=rows[0].device)
    for index, row in enumerate(rows):
        embeds[index, longest - len(row) :] = row
        mask[index, longest - len(row) :] = 1
    return embeds, mask


def _before_end(ids: list[int], end: int) -> list[int]:
    return list(takewhile(lambda token: token != end, ids))
