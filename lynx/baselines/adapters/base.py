"""What all families share: a dialogue becomes inputs, inputs become a batch, a batch answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import torch
from PIL import Image
from torch import Tensor
from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

from lynx.baselines.decoding import new_ids
from lynx.baselines.known import Baseline
from lynx.baselines.template import as_words
from lynx.config.errors import LynxError
from lynx.evaluation.asking import Decoding, Turn

Inputs = dict[str, Tensor]  # of `generate`, by name; batch first


@dataclass(frozen=True)
class Adapter(ABC):
    """A model with its processor, and the form in which it is asked."""

    baseline: Baseline
    model: PreTrainedModel
    processor: Any  # of transformers

    model_types: ClassVar[tuple[str, ...]] = ()  # of its checkpoints; (): any
    needs_picture: ClassVar[bool] = False  # whether it can't be asked in text alone
    is_batched: ClassVar[bool] = True  # whether several questions are answered at once
    placeholders: ClassVar[tuple[str, ...]] = ("<image>",)  # no words of users, but pictures' place

    @abstractmethod
    def encode(self, turns: Sequence[Turn], pictures: Sequence[Image.Image]) -> Inputs:
        """Inputs for the answer to the last turn, a batch of one, without padding."""

    def answer_ids(
        self, rows: Sequence[Inputs], *, row: Decoding, seeds: Sequence[int]
    ) -> list[list[int]]:
        """Token ids of each answer, decoded by a row of Table 9; seeds: one per answer."""
        generate: Any = self.model.generate
        inputs = {name: self._placed(value) for name, value in self.collate(rows).items()}
        return new_ids(
            generate,
            inputs,
            row=row,
            seeds=seeds,
            start=1 if self.is_encoder_decoder else inputs["input_ids"].shape[1],
            end_ids=self.end_ids,
            pad_id=self.pad_id,
            banned_ids=self.ids_of(self.baseline.banned_tokens, key="banned_tokens"),
        )

    def text(self, ids: Sequence[int]) -> str:
        """An answer's words, cut before the first of `baseline.cut_at`."""
        text = str(self.tokenizer.decode(list(ids), skip_special_tokens=True))
        for end in self.baseline.cut_at:
            text = text.partition(end)[0]
        return text.strip()

    def spoken(self, turns: Sequence[Turn]) -> list[Turn]:
        """The turns, in which what looks like a special token is words."""
        special = sorted({*self.placeholders, *self.tokenizer.all_special_tokens}, key=len)[::-1]
        tokens = [token for token in special if len(token) > 1]
        return [(as_words(said, tokens), answer and as_words(answer, tokens))
                for said, answer in turns]  # fmt: skip

    def collate(self, rows: Sequence[Inputs]) -> Inputs:
        """One batch; texts are padded before a decoder's prompt, else behind."""
        names = list(dict.fromkeys(name for row in rows for name in row))
        return {name: self._joined(name, [row[name] for row in rows if name in row])
                for name in names}  # fmt: skip

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """Of the language model."""
        tokenizer: PreTrainedTokenizerBase = self.processor.tokenizer
        return tokenizer

    @property
    def generation_config(self) -> GenerationConfig:
        """The settings that the checkpoint brings, of which only the end tokens are used."""
        return self.model.generation_config

    @property
    def is_encoder_decoder(self) -> bool:
        """Whether the prompt goes to an encoder, so that an answer starts by itself."""
        return bool(self.model.config.is_encoder_decoder)

    @cached_property
    def end_ids(self) -> list[int]:
        """Tokens that end an answer: the checkpoint's, the tokenizer's, the baseline's own."""
        own: Any = self.generation_config.eos_token_id
        found: list[Any] = [self.tokenizer.eos_token_id, *(own if isinstance(own, list) else [own])]
        found += self.ids_of(self.baseline.end_tokens, key="end_tokens")
        return list(dict.fromkeys(one for one in found if one is not None))

    @cached_property
    def pad_id(self) -> int:
        """Fills up prompts and answers; never looked at."""
        found: list[Any] = [self.tokenizer.pad_token_id, self.generation_config.pad_token_id]
        known: int = next(one for one in [*found, *self.end_ids] if one is not None)
        return known

    def ids_of(self, tokens: Sequence[str], *, key: str) -> list[int]:
        """Ids of special tokens; a LynxError for one that the tokenizer lacks."""
        ids = []
        for token in tokens:
            number: Any = self.tokenizer.convert_tokens_to_ids(token)
            if number is None or number == self.tokenizer.unk_token_id:
                raise LynxError(
                    f"{self.baseline.name}: `{key}` names {token}, which the tokenizer of "
                    f"{self.baseline.checkpoint} doesn't have"
                )
            ids.append(number)
        return ids

    def check_placeholders(self, ids: Tensor, place_id: int, wanted: int) -> None:
        """As many places as pictures fill, or the answer would be to another prompt."""
        found = int((ids == place_id).sum())
        if found != wanted:
            raise LynxError(
                f"{self.baseline.name}: a prompt has room for {found} vision tokens, and its "
                f"pictures have {wanted}; look at `template` of the baseline"
            )

    def _joined(self, name: str, values: Sequence[Tensor]) -> Tensor:
        fill = _FILLS.get(name)
        if fill is None:
            return torch.cat(list(values))
        is_right = self.is_encoder_decoder or name.startswith("qformer_")
        padding = self.pad_id if fill == "pad" else 0
        return torch.cat(padded(values, value=padding, on_the_right=is_right))

    def _placed(self, value: Tensor) -> Tensor:
        """On the model's device; numbers that aren't whole in its precision."""
        # Not the model's `dtype`, which is that of its first weight: some stay in full precision.
        words: Any = self.model.get_input_embeddings()
        dtype = words.weight.dtype if value.is_floating_point() else None
        return value.to(device=self.model.device, dtype=dtype)


# What fills up which input of texts; the others are as long for every question.
_FILLS: Mapping[str, str] = {
    "input_ids": "pad",
    "attention_mask": "zero",
    "token_type_ids": "zero",
    "mm_token_type_ids": "zero",
    "qformer_input_ids": "zero",
    "qformer_attention_mask": "zero",
}


def padded(values: Sequence[Tensor], *, value: int, on_the_right: bool) -> list[Tensor]:
    """Tensors (1, T_i, ...) as (1, T, ...), filled up with `value` at one side of the text."""
    longest = max(one.shape[1] for one in values)
    found = []
    for one in values:
        room = one.new_full((1, longest - one.shape[1], *one.shape[2:]), value)
        found.append(torch.cat([one, room] if on_the_right else [room, one], dim=1))
    return found
