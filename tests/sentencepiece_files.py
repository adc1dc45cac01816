"""Trains tiny sentencepiece models for tests, with LLaMA's settings."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import sentencepiece

_NORMAL, _UNKNOWN, _CONTROL, _BYTE = 1, 2, 3, 6  # llama.cpp's numbers for kinds of pieces


def train_sentencepiece(prefix: Path, *, text: str, num_pieces: int = 600) -> Any:
    """A byte-pair model as LLaMA's: digits apart, bytes for what is unknown, spaces kept.

    Written to `prefix`.model and given.
    """
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(text.splitlines()),
        model_writer=written,
        vocab_size=num_pieces,
        model_type="bpe",
        byte_fallback=True,
        split_digits=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        allow_whitespace_only_pieces=True,
        minloglevel=2,
    )
    path = prefix.with_suffix(".model")
    path.write_bytes(written.getvalue())
    return sentencepiece.SentencePieceProcessor(str(path))


def pieces_of(model: Any) -> tuple[list[str], list[float], list[int]]:
    """Its pieces, their scores and llama.cpp's numbers for their kinds."""
    numbers = range(model.get_piece_size())

    def kind(number: int) -> int:
        if model.is_unknown(number):
            return _UNKNOWN
        return _CONTROL if model.is_control(number) else _BYTE if model.is_byte(number) else _NORMAL

    scores = [model.get_score(number) for number in numbers]
    return [model.id_to_piece(n) for n in numbers], scores, [kind(n) for n in numbers]
