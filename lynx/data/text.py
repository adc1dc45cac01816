"""Turns the rounds of a sample into token ids and labels."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from transformers import PreTrainedTokenizerBase

from lynx.config.errors import LynxError
from lynx.config.prompt_pools import Choice, PromptPool
from lynx.data.dialogue import Pieces, encode_turns, special_tokens
from lynx.data.sample import Round, Sample

IGNORED = -100  # label of a token that is not learned
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Encoded:
    """The text of one sample; `labels` are `input_ids` where learned, else IGNORED."""

    input_ids: list[int]
    labels: list[int]


def encode_sample(
    sample: Sample,
    *,
    pool: PromptPool,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Choice,
    rng: random.Random,
    max_text_tokens: int,
) -> Encoded:
    """The sample's dialogue: BOS, then per round `user: ...`, `bot:`, the response and EOS.

    Only responses and their EOS are learned (paper 2.2: the loss is on the answers), and of a
    dialogue that was cut into rounds the last one only. Each round draws its phrasing and the order
    of its options. A dialogue beyond max_text_tokens loses its oldest rounds; a single round beyond
    it loses the start of its prompt and the end of its response.
    Raises LynxError when a round lacks a field that the pool's phrasings need.
    """
    # Options first: their order must not depend on how many phrasings there are to choose from.
    rounds, phrasings = [_with_options(one, rng) for one in sample.rounds], pool.diverse
    said = []
    for one in rounds:
        drawn = rng.choice(phrasings)  # in either case: the next round draws as it would
        said.append(_fill(drawn if prompts == "diverse" else pool.single, one, sample))
    turns = [(prompt, one.response) for prompt, one in zip(said, sample.rounds, strict=True)]
    bos, eos = special_tokens(tokenizer)
    room = max_text_tokens - 1  # for BOS
    pieces = encode_turns(turns, tokenizer, eos)
    while len(pieces) > 1 and _length(pieces) > room:
        turns = turns[1:]
        pieces = encode_turns(turns, tokenizer, eos)
    if _length(pieces) > room:
        pieces = [_shortened(*pieces[0], room)]
    input_ids, labels = [bos], [IGNORED]
    num_history = len(pieces) - (len(sample.rounds) - sample.num_history)
    for number, (user, bot) in enumerate(pieces):
        input_ids += user + bot
        labels += [IGNORED] * len(user) + (bot if number >= num_history else [IGNORED] * len(bot))
    return Encoded(input_ids, labels)


def _with_options(one: Round, rng: random.Random) -> Round:
    """The round with its options numbered in a drawn order, as Table 13 numbers SNLI-VE's."""
    if not one.options:
        return one
    shuffled = rng.sample(one.options, len(one.options))
    numbered = " ".join(f"{number}. {text}" for number, text in enumerate(shuffled, start=1))
    return replace(one, fields={**one.fields, "options": numbered})


def _fill(phrase: str, one: Round, sample: Sample) -> str:
    """The phrase with the round's fields; braces within a field stay as they are."""

    def field(match: re.Match[str]) -> str:
        if match[1] not in one.fields:
            raise LynxError(
                f"{sample.source}: sample {sample.key!r} has the fields {sorted(one.fields)}; the "
                f"prompt {phrase!r} needs `{match[1]}`: the recipe names a prompt pool that "
                "doesn't fit this source"
            )
        return one.fields[match[1]]

    return _PLACEHOLDER.sub(field, phrase)


def _length(pieces: Sequence[Pieces]) -> int:
    return sum(len(user) + len(bot) for user, bot in pieces)


def _shortened(user: list[int], bot: list[int], room: int) -> Pieces:
    """Cut to `room` tokens: the prompt's end and the response's start, half each at most if both
    are too long."""
    kept = bot[: max(room // 2, room - len(user))]
    return user[len(user) - (room - len(kept)) :], kept
