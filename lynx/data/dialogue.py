"""Turns a dialogue into token ids: the template of the release, lower-cased, an EOS per answer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from transformers import PreTrainedTokenizerBase

from lynx.config.errors import LynxError

Pieces = tuple[list[int], list[int]]  # token ids of what the user says, of what the bot says


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
    bos, eos = special_tokens(tokenizer)
    *earlier, (question, _) = turns
    answered = [(user, bot) for user, bot in earlier if bot is not None]
    if len(answered) != len(earlier):
        raise ValueError("all turns but the last must have an answer")
    ids = [token for user, bot in encode_turns(answered, tokenizer, eos) for token in user + bot]
    ids += _tokens(tokenizer, _user_text(question, is_first=not answered))
    return [bos, *ids[-(max_input_tokens - 1) :]]


def encode_turns(
    turns: Sequence[tuple[str, str]], tokenizer: PreTrainedTokenizerBase, eos: int
) -> list[Pieces]:
    """Token ids of each turn: of what the user says, of what the bot answers with its EOS.

    The two are tokenised apart, so that no token spans where the loss begins.
    """
    return [
        (
            list(_tokens(tokenizer, _user_text(user, is_first=number == 0))),
            [*_tokens(tokenizer, bot), eos],
        )
        for number, (user, bot) in enumerate(turns)
    ]


def special_tokens(tokenizer: PreTrainedTokenizerBase) -> tuple[int, int]:
    """Ids of BOS and EOS; a tokenizer without them is a LynxError."""
    bos, eos = tokenizer.bos_token_id, tokenizer.eos_token_id
    if bos is None or eos is None:
        raise LynxError(f"the tokenizer {tokenizer.name_or_path} has no BOS or no EOS token")
    return bos, eos


def _user_text(prompt: str, *, is_first: bool) -> str:
    return f"{'' if is_first else chr(10)}user: {prompt}\nbot:"


@lru_cache(maxsize=1 << 16)
def _tokens(tokenizer: PreTrainedTokenizerBase, text: str) -> tuple[int, ...]:
    """Lower-cased, as the authors' release does; remembered, as phrasings and answers repeat."""
    return tuple(tokenizer(text.lower(), add_special_tokens=False)["input_ids"])
