"""Sends one chat completion request to an OpenAI-compatible server and says what came of it."""

from __future__ import annotations

import email.utils
import json
import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from lynx.evaluation.judges.secret import Secret

_MAX_REPLY_BYTES = 4_000_000
_TRANSIENT = {408, 409, 425, 429}  # and all from 500 on
_MAYBE_BILLED = {408, 504}  # the model may have answered a gateway that no longer listened
_LOGGERS = ("openai", "openai._base_client", "httpx", "httpx2", "httpcore", "httpcore2")


class FaultError(Exception):
    """A request that brought no reply; the text holds no key."""

    def __init__(
        self,
        message: str,
        *,
        is_transient: bool,
        maybe_billed: bool,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.is_transient = is_transient  # worth another try
        self.maybe_billed = maybe_billed  # the server may have done, and charged for, the work
        self.retry_after = retry_after  # seconds; None where the server didn't say


@dataclass(frozen=True)
class Completion:
    """What a server replied; tokens and model are None where it didn't say."""

    text: str
    model: str | None
    prompt_tokens: int | None
    completion_tokens: int | None

    @staticmethod
    def from_body(body: Any) -> Completion:
        """Read a chat completion as JSON decodes it; raises ValueError on anything else."""
        try:
            content = body["choices"][0]["message"].get("content")
        except (AttributeError, IndexError, KeyError, TypeError):
            raise ValueError("no chat completion") from None
        if not isinstance(content, str | None):
            raise ValueError("no chat completion: its content is no text")
        usage = body.get("usage")
        usage = usage if isinstance(usage, dict) else {}
        model = body.get("model")
        return Completion(
            text=content or "",
            model=model if isinstance(model, str) and model else None,
            prompt_tokens=_count(usage.get("prompt_tokens")),
            completion_tokens=_count(usage.get("completion_tokens")),
        )


class ChatServer:
    """One address with one key; every call is one request, without retries of its own."""

    def __init__(self, *, base_url: str | None, key: Secret, timeout: float) -> None:
        from openai import OpenAI

        self._key = key
        self._timeout = timeout
        self._limit_name = "max_tokens"  # newer models of OpenAI want another name
        self._client = OpenAI(api_key=key.value, base_url=base_url, max_retries=0, timeout=timeout)
        _keep_out_of_logs(key)

    @property
    def url(self) -> str:
        """The address, without what may be secret in it."""
        return public_url(str(self._client.base_url))

    def ask(self, body: Mapping[str, Any]) -> Completion:
        """Send `body`; raises FaultError."""
        try:
            return self._send(body)
        except FaultError as fault:
            if self._limit_name not in body or "max_completion_tokens" not in str(fault):
                raise
        self._limit_name = "max_completion_tokens"
        return self._send(body)

    def _send(self, body: Mapping[str, Any]) -> Completion:
        named = {
            self._limit_name if name == "max_tokens" else name: value
            for name, value in body.items()
        }
        fault: FaultError | None = None
        try:
            raw = self._raw_reply(named)
        except FaultError as error:
            fault = FaultError(
                self._key.removed_from(str(error)), is_transient=error.is_transient,
                maybe_billed=error.maybe_billed, retry_after=error.retry_after,
            )  # fmt: skip
        if fault is not None:
            raise fault  # out here: no traceback leads to the client's error, which holds the key
        try:
            completion = Completion.from_body(json.loads(raw))
        except ValueError:
            start = self._key.removed_from(raw.decode("utf-8", "replace"))[:200]
            fault = FaultError(
                f"sent no chat completion but {start!r}", is_transient=True, maybe_billed=True
            )
        if fault is not None:
            raise fault
        return Completion(
            self._key.removed_from(completion.text),
            self._key.removed_from(completion.model) if completion.model else None,
            completion.prompt_tokens,
            completion.completion_tokens,
        )

    def _raw_reply(self, body: Mapping[str, Any]) -> bytes:
        from openai import APIConnectionError, APIStatusError, APITimeoutError, OpenAIError

        deadline = time.monotonic() + self._timeout
        create: Any = self._client.chat.completions.with_streaming_response.create
        try:
            with create(**body) as response:
                return _read(response, deadline)
        except APITimeoutError:
            raise self._timed_out() from None
        except APIConnectionError as error:
            refused = type(error.__cause__).__name__.startswith("Connect")
            raise FaultError(
                f"failed: {error.__cause__ or error}", is_transient=True, maybe_billed=not refused
            ) from None
        except APIStatusError as error:
            status = error.status_code
            spent = status == 429 and "insufficient_quota" in str(error)  # waiting won't help
            raise FaultError(
                f"failed: {_shortened(str(error))}",
                is_transient=(status in _TRANSIENT or status >= 500) and not spent,
                maybe_billed=status in _MAYBE_BILLED,
                retry_after=retry_after(error.response.headers),
            ) from None
        except OpenAIError as error:
            raise FaultError(f"failed: {error}", is_transient=False, maybe_billed=True) from None
        except FaultError:
            raise
        except TimeoutError:
            raise self._timed_out() from None
        except Exception as error:  # the HTTP library's own; which one, the client's version says
            if "Timeout" in type(error).__name__:
                raise self._timed_out() from None
            raise FaultError(
                f"broke off: {type(error).__name__}: {error}", is_transient=True, maybe_billed=True
            ) from None

    def _timed_out(self) -> FaultError:
        return FaultError(
            f"sent no reply within {self._timeout:g} s", is_transient=True, maybe_billed=True
        )


def _read(response: Any, deadline: float) -> bytes:
    """The body; a server that sends a byte now and then is no better than one that hangs."""
    content = bytearray()
    for chunk in response.iter_bytes():
        content += chunk
        if time.monotonic() > deadline:
            raise TimeoutError
        if len(content) > _MAX_REPLY_BYTES:
            raise FaultError(
                f"sent more than {_MAX_REPLY_BYTES} bytes", is_transient=False, maybe_billed=True
            )
    return bytes(content)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the headers ask to wait: Retry-After-Ms, or Retry-After in seconds or a date."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is not None or text is None:
        return seconds
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def is_same_model(asked: str, reported: str) -> bool:
    """Whether a server that reports this model has used the one asked for.

    Servers may add a date ("gpt-4" is answered by "gpt-4-0613"), a tag (":latest"), the folder or
    owner before the name, or the ending of a file (llama.cpp).
    """
    names = [_bare(name) for name in (asked, reported)]
    if names[0] == names[1]:
        return True
    rest = names[1].removeprefix(names[0])
    return rest != names[1] and re.fullmatch(r"-(\d{3,}|\d{4}-\d\d-\d\d)", rest) is not None


def public_url(url: str) -> str:
    """The address without user, password, query and final slash."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))


def _bare(model: str) -> str:
    name = model.strip().lower().replace("\\", "/").rpartition("/")[2].removesuffix(".gguf")
    return re.sub(r"[:-]latest$", "", name)


def _count(value: Any) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if is_count else None


def _number(text: str | None) -> float | None:
    return float(text) if text and re.fullmatch(r"\d+(\.\d+)?", text.strip()) else None


def _shortened(text: str) -> str:
    """A page of HTML as an error's body would fill the screen."""
    line = " ".join(text.split())
    return line if len(line) <= 500 else f"{line[:500]} ..."


class _Without(logging.Filter):
    """Takes the key out of what the client's libraries log, which may repeat a server's words."""

    def __init__(self, key: Secret) -> None:
        super().__init__()
        self.key = key

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        without = self.key.removed_from(message)
        if without != message:
            record.msg, record.args = without, ()
        return True


def _keep_out_of_logs(key: Secret) -> None:
    names = [n for n in logging.root.manager.loggerDict if n.partition(".")[0] in _LOGGERS]
    for name in {*_LOGGERS, *names}:
        logger = logging.getLogger(name)
        known = [f.key.value for f in logger.filters if isinstance(f, _Without)]
        if key.value not in known:
            logger.addFilter(_Without(key))
