"""Train the desk's tokenizer: whole words of the world as single tokens, letters for all others."""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

VOCABULARY_SIZE = 1536
_CONTINUATION = "##"
_SPECIAL = ("<s>", "</s>", "[PAD]")


def train_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """BPE in which a word has one form wherever it stands, and a line break is a token.

    A word that is one token in the question and another in the answer cannot be copied by a small
    language model; splitting at blanks and dropping them gives every word one form.
    """
    tokenizer = Tokenizer(models.BPE(continuing_subword_prefix=_CONTINUATION))
    tokenizer.normalizer = normalizers.Lowercase()
    pattern = Regex(r"\n|\w+|[^\w\s]")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(pattern, behavior="removed", invert=True)
    tokenizer.decoder = decoders.WordPiece(prefix=_CONTINUATION, cleanup=True)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE,
        min_frequency=2,
        special_tokens=list(_SPECIAL),
        continuing_subword_prefix=_CONTINUATION,
        initial_alphabet=[*string.ascii_lowercase, *string.digits, *string.punctuation, "\n"],
        show_progress=False,
    )
    tokenizer.train_from_iterator(_with_spelling(texts), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=_SPECIAL[0],
        eos_token=_SPECIAL[1],
        pad_token=_SPECIAL[2],
        clean_up_tokenization_spaces=False,
    )


def _with_spelling(texts: Iterable[str]) -> Iterator[str]:
    """The texts, and all letters and digits inside a word, so that any word can be spelled."""
    yield from texts
    symbols = string.ascii_lowercase + string.digits
    for first in symbols:
        yield " ".join(first + second for second in symbols)
