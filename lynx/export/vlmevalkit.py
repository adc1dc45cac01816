"""Lets VLMEvalKit evaluate runs: `python -m lynx.export.vlmevalkit NAME=RUN... -- run.py ...`."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from vlmeval.vlm.base import BaseModel

from lynx.config.errors import LynxError
from lynx.evaluation.asking import Turn
from lynx.export.harness import HarnessModel, Request
from lynx.serving.answering import Answerer

USAGE = (
    "usage: python -m lynx.export.vlmevalkit NAME=RUN [NAME=RUN...] -- path/to/VLMEvalKit/run.py "
    "--model NAME --data DATASET"
)
Content = Sequence[Mapping[str, str]]  # {"type": "text" | "image" | "video", "value": ...}


class LynxForVlmEvalKit(BaseModel):
    """A run's folder as a model of VLMEvalKit; greedy, or by a row of Table 9."""

    INTERLEAVE = False
    allowed_types = ("text", "image", "video")

    def __init__(
        self, path: str, row: str | None = None, describe_first: bool = False, seed: int = 0
    ) -> None:
        super().__init__()
        answerer = Answerer.of(path)
        self._model = HarnessModel(answerer, row=row, describe_first=describe_first, seed=seed)

    def generate_inner(self, message: Content, dataset: str | None = None) -> str:
        """The answer to one question; its texts are joined, its pictures stand before them."""
        return self._answer([], message, str(dataset))

    def chat_inner(self, message: Sequence[Mapping[str, Any]], dataset: str | None = None) -> str:
        """The answer to the last turn of a dialogue of `user` and `assistant`."""
        *earlier, last = message
        said = [_text(turn["content"]) for turn in earlier]
        history = list(zip(said[::2], said[1::2], strict=True))
        shown = [item for turn in earlier for item in turn["content"] if item["type"] != "text"]
        return self._answer(history, [*shown, *last["content"]], str(dataset))

    def _answer(self, history: Sequence[tuple[str, str]], message: Content, dataset: str) -> str:
        turns: list[Turn] = [*history, (_text(message), None)]
        shown = tuple(item["value"] for item in message if item["type"] != "text")
        name = f"{dataset}/{'/'.join(shown)}"
        return self._model.answers([Request(tuple(turns), shown, name=name)])[0]


def register(name: str, path: str, **options: Any) -> None:
    """Make a run known to VLMEvalKit under `name`; options as LynxForVlmEvalKit takes them."""
    from vlmeval.config import supported_VLM

    supported_VLM[name] = partial(LynxForVlmEvalKit, path=path, **options)


def main(arguments: Sequence[str]) -> None:
    """Register runs, then hand over to VLMEvalKit's own script in this process."""
    if "--" not in arguments or arguments[0] == "--" or arguments[-1] == "--":
        raise LynxError(USAGE)
    split = arguments.index("--")
    for item in arguments[:split]:
        name, equals, path = item.partition("=")
        if not equals:
            raise LynxError(f"`{item}` is not of the form NAME=RUN; {USAGE}")
        register(name, path)
    sys.argv = [*arguments[split + 1 :]]
    runpy.run_path(sys.argv[0], run_name="__main__")


def _text(content: Content) -> str:
    return "\n".join(item["value"] for item in content if item["type"] == "text")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except LynxError as error:
        sys.exit(f"error: {error}")
