"""Asks another model a benchmark's questions, as our own model is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lynx.baselines.adapters.base import Adapter
from lynx.baselines.decoding import is_drawn_alone
from lynx.baselines.pictures import pictures_of
from lynx.config.seeds import torch_seed
from lynx.evaluation.asking import Decoding, Said, Turn
from lynx.evaluation.questions import Question


@dataclass(frozen=True)
class BaselineAsker:
    """A baseline ready to be asked; no answer depends on the others of its batch."""

    adapter: Adapter
    seed: int

    def answers(
        self,
        questions: Sequence[Question],
        dialogues: Sequence[Sequence[Turn]],
        *,
        decoding: Decoding,
        purpose: str,
    ) -> list[Said]:
        """One answer to the last turn of each dialogue, about the pictures of its question.

        Rows that sample beams, and families whose inputs can't be batched, go one by one. Sampled
        answers depend on the seed, the question and the purpose alone.
        """
        rows = [
            self.adapter.encode(turns, pictures_of(question, self.adapter.baseline))
            for question, turns in zip(questions, dialogues, strict=True)
        ]
        seeds = [torch_seed(self.seed, "sampling", purpose, q.kind, q.id) for q in questions]
        is_alone = is_drawn_alone(decoding) or not self.adapter.is_batched
        size = 1 if is_alone else max(len(rows), 1)
        said: list[Said] = []
        for start in range(0, len(rows), size):
            chosen = slice(start, start + size)
            made = self.adapter.answer_ids(rows[chosen], row=decoding, seeds=seeds[chosen])
            said += [Said(self.adapter.text(ids), len(ids)) for ids in made]
        return said
