"""Turns the rounds of a sample into token ids and labels, and a dialogue into a prompt."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from transformers import PreTrainedTokenizerBase

from lynx.config.errors import LynxError
from lynx.config.prompt_pools import Choice, PromptPool
from lynx.data.sample import Round, Sample

IGNORED = -100  # label of a token that is not learned
_PLACEHOLDER = re.compile(r"\{(\w+)\}")

Pieces = tuple[list[int], list[int]]  # token ids of what the user says, of what the bot says


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
    bos, eos = _special_tokens(tokenizer)
    room = max_text_tokens - 1  # for BOS
    pieces = _pieces(turns, tokenizer, eos)
    while len(pieces) > 1 and _length(pieces) > room:
        turns = turns[1:]
        pieces = _pieces(turns, tokenizer, eos)
    if _length(pieces) > room:
        pieces = [_shortened(*pieces[0], room)]
    input_ids, labels = [bos], [IGNORED]
    num_history = len(pieces) - (len(sample.rounds) - sample.num_history)
    for number, (user, bot) in enumerate(pieces):
        input_ids += user + bot
        labels += [IGNORED] * len(user) + (bot if number >= num_history else [IGNORED] * len(bot))
    return Encoded(input_ids, labels)


def encode_prompt(
    turns: Sequence[tuple[str, str | None]],
    tokenizer: PreTrainedTokenizerBase,
    max_input_tokens: int,
) -> list[int]:
    """Token ids to generate from, laid out as in training; they end after the last `bot:`.

    turns: what the user says and what the bot answered; None as the last answer. Beyond
    max_input_tokens the oldest tokens are dropped, BOS aside.
    """
    if not turns or turns[-1][1] is not None:
        raise ValueError("the last turn must be one without an answer")
    bos, eos = _special_tokens(tokenizer)
    *earlier, (question, _) = turns
    answered = [(user, bot) for user, bot in earlier if bot is not None]
    if len(answered) != len(earlier):
        raise ValueError("all turns but the last must have an answer")
    ids = [token for user, bot in _pieces(answered, tokenizer, eos) for token in user + bot]
    ids += _tokens(tokenizer, _user_text(question, is_first=not answered))
    return [bos, *ids[-(max_input_tokens - 1) :]]


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


def _user_text(prompt: str, *, is_first: bool) -> str:
    return f"{'' if is_first else chr(10)}user: {prompt}\nbot:"


def _pieces(
    turns: Sequence[tuple[str, str]], tokenizer: PreTrainedTokenizerBase, eos: int
) -> list[Pieces]:
    """Prompt and response are tokenised apart, so that no token spans where the loss begins."""
    return [
        (
            list(_tokens(tokenizer, _user_text(user, is_first=number == 0))),
            [*_tokens(tokenizer, bot), eos],
        )
        for number, (user, bot) in enumerate(turns)
    ]


def _length(pieces: Sequence[Pieces]) -> int:
    return sum(len(user) + len(bot) for user, bot in pieces)


def _shortened(user: list[int], bot: list[int], room: int) -> Pieces:
    """Cut to `room` tokens: the prompt's end and the response's start, half each at most if both
    are too long."""
    kept = bot[: max(room // 2, room - len(user))]
    return user[len(user) - (room - len(kept)) :], kept


@lru_cache(maxsize=1 << 16)
def _tokens(tokenizer: PreTrainedTokenizerBase, text: str) -> tuple[int, ...]:
    """Lower-cased, as the authors' release does; remembered, as phrasings and answers repeat."""
    return tuple(tokenizer(text.lower(), add_special_tokens=False)["input_ids"])


def _special_tokens(tokenizer: PreTrainedTokenizerBase) -> tuple[int, int]:
    bos, eos = tokenizer.bos_token_id, tokenizer.eos_token_id
    if bos is None or eos is None:
        raise LynxError(f"the tokenizer {tokenizer.name_or_path} has no BOS or no EOS token")
    return bos, eos
