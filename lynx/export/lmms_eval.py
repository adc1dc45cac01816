"""Lets lmms-eval evaluate a run: `--model lynx --model_args pretrained=runs/desk/lynx/seed0`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from lmms_eval.api.model import lmms
from tqdm import tqdm

from lynx.config.errors import LynxError
from lynx.export.harness import HarnessModel, Request
from lynx.serving.answering import Answerer, Device


class LynxForLmmsEval(lmms):
    """A run's folder as a model of lmms-eval.

    Tasks decode by their own `generation_kwargs`, or all by a row of Table 9 (row=mme).
    describe_first=True puts the description of the picture before each question (paper 3.2). The
    stop strings of a task are not used: the model ends its answers itself.
    """

    is_simple = True

    def __init__(
        self,
        pretrained: str,
        batch_size: int | str = 8,
        device: str | None = None,
        row: str | None = None,
        describe_first: bool = False,
        seed: int = 0,
        **unknown: Any,
    ) -> None:
        super().__init__()
        wrong = sorted(name for name in unknown if name != "max_batch_size")
        if wrong:
            raise LynxError(f"--model_args: unknown {wrong[0]}; there are pretrained, batch_size, "
                            "device, row, describe_first, seed")  # fmt: skip
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            raise LynxError("lmms-eval's several processes aren't supported; start one")
        answerer = Answerer.of(pretrained, device=_device(device))
        self._model = HarnessModel(
            answerer,
            row=row,
            describe_first=describe_first,
            batch_size=int(batch_size),
            seed=seed,
        )

    def generate_until(self, requests: Sequence[Any]) -> list[str]:
        """An answer to each request."""
        asked = [self._request(request) for request in requests]
        with tqdm(total=len(asked), desc="Lynx") as progress:
            texts = self._model.answers(asked, advance=progress.update)
        for request, text in zip(requests, texts, strict=True):
            self.cache_hook.add_partial("generate_until", request.args[:2], text)
        return texts

    def _request(self, request: Any) -> Request:
        context, settings, doc_to_visual, doc_id, task, split = request.args
        pictures = doc_to_visual(self.task_dict[task][split][doc_id]) or ()
        question = context.replace("<image>", "").strip()  # the picture stands before the text
        name = f"{task}/{split}/{doc_id}"
        return Request(((question, None),), tuple(pictures), settings, name)

    def loglikelihood(self, requests: Any) -> Any:
        """Not offered."""
        raise NotImplementedError("a Lynx answers in text: choose tasks of type generate_until")

    def generate_until_multi_round(self, requests: Any) -> Any:
        """Not offered."""
        raise NotImplementedError("tasks of several rounds aren't supported: generate_until is")


def _device(name: str | None) -> Device:
    known: dict[str | None, Device] = {None: "auto", "cpu": "cpu", "cuda": "cuda", "cuda:0": "cuda"}
    if name not in known:
        raise LynxError(f"--device {name}: cpu, cuda or nothing; CUDA_VISIBLE_DEVICES picks a GPU")
    return known[name]
