"""Answers a harness's requests with a run of ours, in batches of equal settings."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from lynx.config.errors import LynxError
from lynx.config.nearest import nearest_hint
from lynx.config.schema import GenerationConfig
from lynx.config.seeds import torch_seed
from lynx.evaluation.asking import Turn
from lynx.serving.answering import Answerer
from lynx.serving.vision import Picture

# What is meant when neither the harness nor the user says it: greedy, as harnesses decode.
NEUTRAL = {
    "num_beams": 1, "do_sample": False, "top_k": 0, "top_p": 1.0, "length_penalty": 1.0,
    "no_repeat_ngram_size": 0,
}  # fmt: skip
# The model ends its answers itself, and a stop at an empty line would cut long ones.
IGNORED_SETTINGS = ("until", "image_sizes", "image_aspect_ratio")


@dataclass(frozen=True)
class Request:
    """One question with what it is about; settings are the harness's names and values."""

    turns: tuple[Turn, ...]  # a dialogue whose last answer is None
    pictures: tuple[Picture, ...]  # none, one, or several of which each takes a frame's place
    settings: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""  # of the question, as the harness calls it


@dataclass(frozen=True)
class HarnessModel:
    """A run, and how it is to decode: as each request says, or by a row of Table 9."""

    answerer: Answerer
    row: str | None = None
    describe_first: bool = False
    batch_size: int = 8
    seed: int = 0
    _asked: Counter[tuple[str, str]] = field(default_factory=Counter)

    def answers(
        self, requests: Sequence[Request], *, advance: Callable[[int], object] = lambda _: None
    ) -> list[str]:
        """One answer per request, in their order; advance is told how many more are done.

        Sampled answers depend on the seed, the question, its name, and how often it has been asked.
        An error is raised, never taken for an empty answer.
        """
        seeds = [self._seed(request) for request in requests]
        groups: dict[str, list[int]] = defaultdict(list)
        for index, request in enumerate(requests):
            groups[str(sorted(self.decoding(request.settings).items()))].append(index)
        texts = [""] * len(requests)
        for members in groups.values():
            waiting = iter(members)
            while batch := list(islice(waiting, self.batch_size)):
                answers = self.answerer.answer(
                    [requests[index].turns for index in batch],
                    [self._shown(requests[index].pictures) for index in batch],
                    row=self.decoding(requests[batch[0]].settings),
                    seeds=[seeds[index] for index in batch],
                    describe_first=self.describe_first,
                )
                for index, answer in zip(batch, answers, strict=True):
                    texts[index] = answer.text
                advance(len(batch))
        return texts

    def decoding(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """A row of Table 9 with changes, from a harness's settings; unknown ones are an error."""
        if self.row is not None:
            return {"row": self.row}
        asked = {key: value for key, value in settings.items() if key not in IGNORED_SETTINGS}
        temperature = asked.pop("temperature", None)
        if temperature not in (None, 0.0, 1.0):
            raise LynxError(
                f"temperature {temperature}: answers are sampled at 1 (Table 9) or not at all; "
                "give row=NAME to decode by a row of Table 9"
            )
        known = vars(GenerationConfig())
        unknown = sorted(asked.keys() - known.keys())
        if unknown:
            hint = nearest_hint(unknown[0], list(known))
            raise LynxError(f"the harness asks for the unknown setting {unknown[0]}{hint}")
        stated = {key: value for key, value in asked.items() if value is not None}
        if temperature is not None:  # harnesses write a temperature of 0 and mean greedy
            stated["do_sample"] = temperature > 0
        return {"row": "demo", **NEUTRAL, **stated}

    def _seed(self, request: Request) -> int:
        question = (request.name, str(request.turns))
        self._asked[question] += 1
        return torch_seed(self.seed, "harness", *question, self._asked[question])

    def _shown(self, pictures: Sequence[Picture]) -> Any:
        if not pictures:
            return None
        if len(pictures) > self.answerer.num_frames:
            raise LynxError(
                f"a question about {len(pictures)} pictures: the model reads "
                f"{self.answerer.num_frames} (model.num_frames)"
            )
        return pictures[0] if len(pictures) == 1 else list(pictures)
