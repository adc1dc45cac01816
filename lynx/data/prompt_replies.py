"""Sends prompts to a model behind an OpenAI-compatible server, and keeps every reply on disk."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lynx.config.errors import LynxError
from lynx.tracking.files import write_json_atomic

KEY_VARIABLE = "OPENAI_API_KEY"
_NO_KEY = "no-key-needed"  # the client refuses an empty one
_OPENAI = "https://api.openai.com/v1"


@dataclass(frozen=True)
class Reply:
    """What a model wrote; model: the one that answered; date: of the call, YYYY-MM-DD in UTC."""

    key: str  # of the call: its file's name
    text: str
    model: str
    date: str


class RepliesOnDisk:
    """Replies by model, server, messages, seed and number of the call: each is paid for once.

    The key of the server is needed for new calls alone, and stands in no message and no file.
    """

    def __init__(self, folder: Path, *, model: str, base_url: str | None) -> None:
        self._folder = folder
        self._model = model
        self._base_url = base_url or os.environ.get("OPENAI_BASE_URL") or _OPENAI

    def reply(self, prompt: str, *, seed: int, call: int) -> Reply:
        """The reply to `prompt`; LynxError where the server fails or sends nothing."""
        messages = [{"role": "user", "content": prompt}]
        identity = [self._model, self._base_url, messages, seed, call]
        key = f"call_{hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32]}"
        if not _path(self._folder, key).is_file():
            text, model = self._ask(messages)
            date = datetime.now(UTC).date().isoformat()
            asked = {"asked": self._model, "server": self._base_url, "seed": seed, "call": call}
            record = asdict(Reply(key, text, model, date)) | asked | {"messages": messages}
            write_json_atomic(_path(self._folder, key), record)
        return read_reply(self._folder, key)

    def _ask(self, messages: list[Any]) -> tuple[str, str]:
        """The reply and the name of the model that wrote it."""
        from openai import OpenAI, OpenAIError

        api_key = os.environ.get(KEY_VARIABLE) or self._no_key()
        client = OpenAI(api_key=api_key, base_url=self._base_url)
        answer: Any = None
        try:
            answer = client.chat.completions.create(model=self._model, messages=messages)
            text, model = answer.choices[0].message.content, answer.model
            if not isinstance(text, str | None):
                raise TypeError(text)
            if text and text.strip():
                return text, model or self._model
            problem = "sent an empty reply"
        except OpenAIError as error:
            problem = f"failed: {str(error).rstrip('.')}"
        except (AttributeError, IndexError, TypeError, ValueError):
            # The client checks no types: a page of HTML comes back as a string.
            shown = str(answer or "no JSON").replace(api_key, "<key>")[:200]
            problem = f"sent no chat completion: {shown}"
        # Raised out here, so that no traceback leads to the client's error, which holds the key.
        message = (
            f"the model '{self._model}' at {self._base_url} {problem}. Replies so far are kept; "
            f"check --model, --base-url and {KEY_VARIABLE}, and run the command again"
        )
        raise LynxError(message.replace(api_key, "<key>"))

    def _no_key(self) -> str:
        if self._base_url == _OPENAI:
            raise LynxError(
                f"the model '{self._model}' at {_OPENAI} needs a key in the environment variable "
                f"{KEY_VARIABLE}; --base-url names a server that needs none"
            )
        return _NO_KEY


def read_reply(folder: Path, key: str) -> Reply:
    """The kept reply of that call; LynxError where there is none."""
    path = _path(folder, key)
    try:
        record = json.loads(path.read_text("utf-8"))
        return Reply(record["key"], record["text"], record["model"], record["date"])
    except (OSError, ValueError, KeyError) as error:
        raise LynxError(
            f"{path}: no readable reply of a model ({error!r}); it is written by "
            "`lynx prompts generate`"
        ) from error


def _path(folder: Path, key: str) -> Path:
    return folder / f"{key}.json"
