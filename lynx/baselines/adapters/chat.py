"""Any newer model of `transformers`: its own chat template, its own processor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from PIL import Image

from lynx.baselines.adapters.base import Adapter, Inputs
from lynx.baselines.adapters.llava import processed
from lynx.evaluation.asking import Turn


class ChatAdapter(Adapter):
    """Pictures stand at the start of the first turn.

    One question at a time: how such models' inputs are batched differs from one to the next.
    """

    is_batched: ClassVar[bool] = False

    def encode(self, turns: Sequence[Turn], pictures: Sequence[Image.Image]) -> Inputs:
        """Inputs of one dialogue."""
        text = self.processor.apply_chat_template(
            self._messages(turns, len(pictures)), add_generation_prompt=True, tokenize=False
        )
        return processed(self.processor, text, pictures)

    def _messages(self, turns: Sequence[Turn], num_pictures: int) -> list[dict[str, Any]]:
        """What `apply_chat_template` takes."""
        messages: list[dict[str, Any]] = []
        for number, (said, answer) in enumerate(self.spoken(turns)):
            shown = [{"type": "image"}] * (num_pictures if number == 0 else 0)
            messages.append({"role": "user", "content": [*shown, {"type": "text", "text": said}]})
            if answer is not None:
                reply = {"type": "text", "text": answer}
                messages.append({"role": "assistant", "content": [reply]})
        return messages
