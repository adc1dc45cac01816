"""Train the desk's LLaMA on text about the world, and tune Vicuna from it on conversations."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as functional
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from lynx.config.seeds import python_random, torch_seed
from lynx.training.backbones.optimizer import BackboneOptimizer
from lynx.world.corpus import Segment

SHAPE: dict[str, Any] = dict(
    hidden_size=192,
    intermediate_size=512,
    num_hidden_layers=4,
    num_attention_heads=3,
    num_key_value_heads=3,
    max_position_embeddings=2048,
    tie_word_embeddings=True,
    rms_norm_eps=1e-6,
)
PLAIN_WEIGHT = 0.1  # of a token that is no answer; answers are what the gate tests
DOCUMENTS_PER_STEP = 32
_POOLED_STEPS = 4  # steps whose documents are drawn together and sorted by length
_LENGTH_MULTIPLE = 32

Document = Callable[[random.Random, float], list[Segment]]  # stream, share of training done


@dataclass(frozen=True)
class Encoded:
    """Token ids, the weight of each in the loss, and the family where an answer begins."""

    ids: list[int]
    weights: list[float]
    families: list[str]


class SegmentEncoder:
    """Turns segments into tokens; words are looked up, since the world has few of them."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self._tokenizer = tokenizer
        self._known: dict[str, tuple[int, ...]] = {}

    def encode(self, document: list[Segment]) -> Encoded:
        """BOS, the segments, EOS."""
        bos, eos = self._tokenizer.bos_token_id, self._tokenizer.eos_token_id
        ids, weights, families = [bos], [0.0], [""]
        for segment in document:
            pieces = [i for word in segment.text.split(" ") for i in self._ids(word)]
            ids += pieces
            weights += [1.0 if segment.is_answer else PLAIN_WEIGHT] * len(pieces)
            families += [segment.family, *[""] * (len(pieces) - 1)] if pieces else []
        return Encoded([*ids, eos], [*weights, PLAIN_WEIGHT], [*families, ""])

    def _ids(self, word: str) -> tuple[int, ...]:
        if word not in self._known:
            encoded = self._tokenizer(word, add_special_tokens=False)["input_ids"]
            self._known[word] = tuple(encoded)
        return self._known[word]


def new_llama(tokenizer: PreTrainedTokenizerFast, *, seed: int) -> LlamaForCausalLM:
    """A LLaMA of the desk's shape with fresh weights."""
    torch.manual_seed(torch_seed(seed, "backbones", "llama"))
    ids: dict[str, Any] = dict(
        vocab_size=len(tokenizer),
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    attention: dict[str, Any] = dict(attn_implementation="eager")  # fastest for short rows
    return LlamaForCausalLM(LlamaConfig(**SHAPE, **ids, **attention))


def train_language_model(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    document: Document,
    *,
    stream: str,
    seed: int,
    num_steps: int,
    learning_rate: float,
    report: Callable[[int, dict[str, float]], None],
) -> LlamaForCausalLM:
    """Train a copy of `model` on documents; `report(step, losses)` is called after every step."""
    model = copy.deepcopy(model).train()
    optimizer = BackboneOptimizer(
        model.named_parameters(), learning_rate=learning_rate, num_steps=num_steps
    )
    batches = _batches(document, SegmentEncoder(tokenizer), python_random(seed, stream), num_steps)
    for step, batch in enumerate(batches, start=1):
        ids, weights = pad(batch, tokenizer.pad_token_id)
        losses, token_weights = _token_losses(model, ids, weights)
        ((losses * token_weights).sum() / token_weights.sum()).backward()
        optimizer.step()
        is_answer = token_weights == 1
        report(
            step,
            {
                "answers": losses[is_answer].mean().item(),
                "plain": losses[~is_answer].mean().item() if (~is_answer).any() else 0.0,
            },
        )
    return model.eval()


def _token_losses(model: LlamaForCausalLM, ids: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Cross entropy of every weighted token, and the weights; rows are padded on the right."""
    with torch.autocast("cpu", torch.bfloat16):
        hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]
        is_weighted = weights[:, 1:] > 0
        logits = model.lm_head(hidden[is_weighted])
    losses = functional.cross_entropy(logits.float(), ids[:, 1:][is_weighted], reduction="none")
    return losses, weights[:, 1:][is_weighted]


def _batches(
    document: Document, encoder: SegmentEncoder, rng: random.Random, num_steps: int
) -> Iterator[list[Encoded]]:
    """Batches of documents of like length, in random order: a third fewer tokens of padding."""
    for start in range(0, num_steps, _POOLED_STEPS):
        drawn = [
            encoder.encode(document(rng, start / num_steps))
            for _ in range(_POOLED_STEPS * DOCUMENTS_PER_STEP)
        ]
        drawn.sort(key=lambda one: len(one.ids))
        size = DOCUMENTS_PER_STEP
        pool = [drawn[i * size : (i + 1) * size] for i in range(_POOLED_STEPS)]
        rng.shuffle(pool)
        yield from pool[: num_steps - start]


def pad(batch: list[Encoded], pad_token_id: int) -> tuple[Tensor, Tensor]:
    """Token ids and weights (documents, tokens); causal attention needs no mask on the right."""
    longest = max(len(one.ids) for one in batch)
    length = -(-longest // _LENGTH_MULTIPLE) * _LENGTH_MULTIPLE
    ids = torch.full((len(batch), length), pad_token_id)
    weights = torch.zeros(len(batch), length)
    for row, one in enumerate(batch):
        ids[row, : len(one.ids)] = torch.tensor(one.ids)
        weights[row, : len(one.ids)] = torch.tensor(one.weights)
    return ids, weights


@torch.no_grad()
def answer_accuracy(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    document: Callable[[random.Random], list[Segment]],
    *,
    num_documents: int,
) -> dict[str, tuple[int, int]]:
    """(right, asked) by family: the answer must be the most likely token where it begins."""
    encoder, rng = SegmentEncoder(tokenizer), python_random(0, "backbones", "gate")
    counts: dict[str, tuple[int, int]] = {}
    for _ in range(0, num_documents, DOCUMENTS_PER_STEP):
        batch = [encoder.encode(document(rng)) for _ in range(DOCUMENTS_PER_STEP)]
        ids, _ = pad(batch, tokenizer.pad_token_id)
        with torch.autocast("cpu", torch.bfloat16):
            chosen = model(input_ids=ids, use_cache=False).logits.argmax(-1)
        for row, one in enumerate(batch):
            for position, family in enumerate(one.families):
                if family:
                    right, asked = counts.get(family, (0, 0))
                    is_right = int(chosen[row, position - 1] == ids[row, position])
                    counts[family] = (right + is_right, asked + 1)
    return counts
