"""Beam search and beam sampling by the rules of the authors' library, transformers 4.28.1.

Version 5 differs where it shows in Table 9: there all beams but one start with no probability, so
that the first tokens of beam sampling aren't drawn but are always the likeliest ones; an answer cut
at its greatest length is a token shorter to the length penalty; and the search ends earlier where
longer answers are favoured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import GenerationConfig, LlamaForCausalLM

_NEVER = -1e9  # log-probability of a beam that isn't in use yet


@dataclass
class _Finished:
    """The best answers of one question so far: (score, token ids without EOS)."""

    num_beams: int
    length_penalty: float
    answers: list[tuple[float, list[int]]] = field(default_factory=list)
    is_done: bool = False

    def add(self, ids: list[int], log_prob: float) -> None:
        score = log_prob / self._penalty(len(ids))
        if len(self.answers) < self.num_beams or score > self._worst:
            self.answers.append((score, ids))
        if len(self.answers) > self.num_beams:
            del self.answers[min(range(len(self.answers)), key=lambda i: self.answers[i][0])]

    def close(self, best_log_prob: float, num_tokens: int) -> None:
        """No more is searched once a beam that ended with the next token couldn't get in."""
        full = len(self.answers) == self.num_beams
        if full and self._worst >= best_log_prob / self._penalty(num_tokens):
            self.is_done = True

    @property
    def best(self) -> list[int]:
        """Of equally good ones the one found last."""
        return sorted(self.answers, key=lambda answer: answer[0])[-1][1]

    @property
    def _worst(self) -> float:
        return min(score for score, _ in self.answers)

    def _penalty(self, num_tokens: int) -> float:
        """The release counts a BOS that stands for the prompt; and never EOS."""
        return float((num_tokens + 1) ** self.length_penalty)


@torch.no_grad()
def release_beam_search(
    model: LlamaForCausalLM,
    input_ids: Tensor,
    *,
    logits_processor: Callable[[Tensor, Tensor], Tensor],
    generation_config: GenerationConfig,
    generators: Sequence[torch.Generator] | None = None,
    **model_kwargs: Any,
) -> list[list[int]]:
    """Token ids of each question's best answer, without EOS; a `custom_generate` of transformers.

    input_ids: (questions * num_beams, 0), as the prompt is given in embeddings. generators: one
    per question for beam sampling, None for beam search. A question's answer doesn't depend on the
    others of its batch (in the release the end of the search does, by their number). As there, the
    processors see a BOS that stands for the prompt, so `min_new_tokens` has to count it.
    """
    model_kwargs.pop("stopping_criteria", None)  # the greatest length is looked at here
    beams, end = int(generation_config.num_beams), int(generation_config.eos_token_id)
    most = int(generation_config.max_length) - input_ids.shape[1]
    num_questions = len(input_ids) // beams
    bos = generation_config.bos_token_id
    start = input_ids.new_full((len(input_ids), 1), -1 if bos is None else bos)
    finished = [
        _Finished(beams, float(generation_config.length_penalty)) for _ in range(num_questions)
    ]
    # All beams begin alike: the search may use the first alone, samples are drawn from each.
    log_probs = torch.zeros(num_questions, beams, device=input_ids.device)
    if generators is None:
        log_probs[:, 1:] = _NEVER
    first_beams = torch.arange(num_questions, device=input_ids.device)[:, None] * beams
    for num_tokens in range(most):
        logits, model_kwargs = _next_logits(
            model, input_ids, model_kwargs, is_first=num_tokens == 0
        )
        seen = torch.cat([start, input_ids], dim=1)
        steps = logits_processor(seen, functional.log_softmax(logits, dim=-1))
        scores = (log_probs.view(-1, 1) + steps).view(num_questions, -1)
        scores, chosen = _candidates(scores, 2 * beams, generators)
        tokens, parents = chosen % logits.shape[1], chosen // logits.shape[1]
        parents += first_beams
        kept = _kept(scores, tokens, parents, input_ids, finished, end, num_tokens)
        tokens, parents, log_probs = (x.gather(1, kept) for x in (tokens, parents, scores))
        order = parents.view(-1)
        input_ids = torch.cat([input_ids[order], tokens.view(-1, 1)], dim=1)
        model_kwargs["cache"].reorder_cache(order)
        if all(one.is_done for one in finished):
            break
    for number, (ids, sums) in enumerate(
        zip(input_ids.view(num_questions, beams, -1).tolist(), log_probs.tolist(), strict=True)
    ):
        if not finished[number].is_done:
            for beam, log_prob in zip(ids, sums, strict=True):
                finished[number].add(beam, log_prob)
    return [one.best for one in finished]


def _next_logits(
    model: LlamaForCausalLM, input_ids: Tensor, model_kwargs: dict[str, Any], *, is_first: bool
) -> tuple[Tensor, dict[str, Any]]:
    """Logits (rows, vocabulary) float32 of the next token, and the arguments with their cache."""
    inputs = model.prepare_inputs_for_generation(
        input_ids,
        next_sequence_length=None if is_first else 1,
        is_first_iteration=is_first,
        **model_kwargs,
    )
    outputs = model(**inputs, return_dict=True)
    return outputs.logits[:, -1].float(), model._update_model_kwargs_for_generation(
        outputs, model_kwargs
    )


def _candidates(
    scores: Tensor, number: int, generators: Sequence[torch.Generator] | None
) -> tuple[Tensor, Tensor]:
    """The `number` best of each row's scores, or drawn ones, best first; and where they are."""
    if generators is None:
        return scores.topk(number, dim=1)
    shares = scores.softmax(dim=1)
    chosen = torch.stack(
        [
            torch.multinomial(row, number, generator=generator)
            for row, generator in zip(shares, generators, strict=True)
        ]
    )
    drawn, order = scores.gather(1, chosen).sort(dim=1, descending=True)
    return drawn, chosen.gather(1, order)


def _kept(
    scores: Tensor,
    tokens: Tensor,
    parents: Tensor,
    input_ids: Tensor,
    finished: Sequence[_Finished],
    end: int,
    num_tokens: int,
) -> Tensor:
    """Which candidates (questions, num_beams) go on; those that end and are among the first
    num_beams are finished answers."""
    kept = []
    rows = zip(finished, scores.tolist(), tokens.tolist(), parents.tolist(), strict=True)
    for one, row_scores, row_tokens, row_parents in rows:
        going_on = [place for place, token in enumerate(row_tokens) if token != end]
        going_on = going_on[: one.num_beams]
        if not one.is_done:
            for place in range(one.num_beams):
                if row_tokens[place] == end:
                    one.add(input_ids[row_parents[place]].tolist(), row_scores[place])
            one.close(row_scores[0], num_tokens + 1)
        kept.append(going_on)
    return torch.tensor(kept, device=scores.device)
