"""Keeps each reply of a served judge in a file of its own, found by what was asked.

The address of the server is no part of what was asked: scores name the judge alone, and a folder
that is moved to another machine must be found complete there. Whoever serves other weights under an
old name gives them another name. The address stands in the file, and in the figures on usage.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lynx.config.errors import LynxError
from lynx.tracking.files import write_json_atomic


def judgements_dir(run: Path) -> Path:
    """Where the replies about a run's answers are kept, shared by all runs of its scale."""
    return Path(os.path.abspath(run)).parents[1] / "judgements"  # also of ../seed0


@dataclass(frozen=True)
class Asked:
    """Everything that a reply depends on, as far as it is ours to say."""

    judge: str  # the model's name
    version: str  # of the rule that makes a question of a claim and reads the reply
    repeat: int
    messages: tuple[Mapping[str, str], ...]
    params: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """The content of the file under "asked"."""
        return {
            "judge": self.judge,
            "version": self.version,
            "repeat": self.repeat,
            "params": dict(self.params),
            "messages": [dict(message) for message in self.messages],
        }

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> Asked:
        """Read it back."""
        return Asked(**{**content, "messages": tuple(content["messages"])})

    @property
    def key(self) -> str:
        """64 hex digits, equal for equal questions for ever."""
        return hashlib.sha256(json.dumps(self.as_json(), sort_keys=True).encode()).hexdigest()

    @property
    def body(self) -> dict[str, Any]:
        """Of the chat completion request."""
        messages = [dict(message) for message in self.messages]
        return {"model": self.judge, "messages": messages, **self.params}


@dataclass(frozen=True)
class StoredReply:
    """A reply as it came; model, tokens: None where the server didn't say."""

    text: str
    model: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    server: str  # its address, or "batch"


class ReplyStore:
    """A folder of replies; safe for several threads and processes."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def path(self, key: str) -> Path:
        """Of the file of one reply."""
        return self.directory / key[:2] / f"{key}.json"

    def read(self, asked: Asked) -> StoredReply | None:
        """The reply, or None; raises LynxError on a file that holds something else."""
        path = self.path(asked.key)
        try:
            content = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise self._unreadable(path, str(error)) from error
        try:
            if content["asked"] != asked.as_json():
                raise self._unreadable(path, "it answers another question")
            reply = content["reply"]
            return StoredReply(
                reply["text"], reply["model"], reply["prompt_tokens"],
                reply["completion_tokens"], reply["server"],
            )  # fmt: skip
        except (KeyError, TypeError) as error:
            raise self._unreadable(path, f"it lacks {error}") from error

    def write(self, asked: Asked, reply: StoredReply) -> None:
        """Keep the reply; whole or not at all."""
        content = {
            "asked": asked.as_json(),
            "reply": {
                "text": reply.text,
                "model": reply.model,
                "prompt_tokens": reply.prompt_tokens,
                "completion_tokens": reply.completion_tokens,
                "server": reply.server,
                "time": datetime.now(UTC).isoformat(timespec="seconds"),
            },
        }
        write_json_atomic(self.path(asked.key), content)
        self.exported_path(asked.key).unlink(missing_ok=True)

    def forget(self, asked: Asked) -> None:
        """Remove the reply, so that it is asked for again."""
        self.path(asked.key).unlink(missing_ok=True)

    @contextmanager
    def held(self, asked: Asked) -> Iterator[None]:
        """Keep others from asking the same meanwhile; the system lets go when a process dies."""
        path = self.path(asked.key)
        path = path.with_name(f".{path.stem}.lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            with path.open("w") as stream:
                fcntl.flock(stream, fcntl.LOCK_EX)
                if not _is_at(stream.fileno(), path):
                    continue  # who held it has removed it: take the new one, with those to come
                try:
                    yield
                finally:
                    path.unlink(missing_ok=True)
                return

    def exported_path(self, key: str) -> Path:
        """Of a request that went into a batch file and has no reply yet."""
        return self.directory / "exported" / f"{key}.json"

    def write_exported(self, asked: Asked, *, file: str) -> None:
        """Remember what a batch file asks, as its results name the key alone."""
        time = datetime.now(UTC).isoformat(timespec="seconds")
        content = {"asked": asked.as_json(), "file": file, "time": time}
        write_json_atomic(self.exported_path(asked.key), content)

    def read_exported(self, key: str) -> Asked | None:
        """The request of that key that was exported, or None."""
        path = self.exported_path(key)
        try:
            asked = Asked.from_json(json.loads(path.read_text("utf-8"))["asked"])
        except FileNotFoundError:
            return None
        except (KeyError, TypeError, ValueError) as error:
            raise self._unreadable(path, str(error)) from error
        if asked.key != key:
            raise self._unreadable(path, "its content has another key")
        return asked

    def _unreadable(self, path: Path, reason: str) -> LynxError:
        return LynxError(
            f"{path} is not a judge's reply as it was written ({reason}): restore it, or remove it "
            "to have it asked again"
        )


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
