"""Asks a model behind an OpenAI-compatible server, and never pays for the same reply twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from lynx.config.errors import LynxError
from lynx.evaluation.judges.reply_store import Asked, ReplyStore, StoredReply
from lynx.evaluation.judges.secret import Secret
from lynx.evaluation.judges.spending import Prices, Spending, Usage
from lynx.evaluation.judges.transport import ChatServer, Completion, FaultError, is_same_model

_LONGEST_PAUSE = 60.0  # seconds, of our own
_LONGEST_WAIT = 600.0  # seconds that a server may ask for

Message = Mapping[str, str]  # "role" and "content"


@dataclass(frozen=True)
class Request:
    """What is asked; `repeat` tells apart several replies to the same."""

    messages: tuple[Message, ...]
    repeat: int = 0


@dataclass(frozen=True)
class Reply:
    """What the model said; tokens and model are None where the server didn't tell."""

    text: str
    prompt_tokens: int | None
    completion_tokens: int | None
    is_cached: bool  # found on disk, and not asked now
    model: str | None = None  # as the server names it


class ServedModel:
    """A model by name, asked by several threads; see `build.build_served_model`.

    Each reply is written to `cache_dir` as soon as it is there, under a key of what was asked
    (model, version, messages, parameters, repeat), so that an interrupted or repeated command asks
    only for what is new. An empty reply is kept like any other. Requests are retried after 408,
    409, 425, 429, 5xx, lost connections, timeouts and replies that are no chat completion, with
    growing pauses or as long as the server's Retry-After says. The key stands in no message, log
    or file, even if the server repeats it.

    What can't be helped: requests under way when the process is killed, `concurrency` of them at
    most, may be charged for though nobody hears the replies.
    """

    def __init__(
        self,
        *,
        model: str,
        base_url: str | None,
        api_key: str,
        cache_dir: Path,
        version: str,
        temperature: float | None = 0.0,
        max_reply_tokens: int = 64,
        max_retries: int = 6,
        concurrency: int = 8,
        timeout: float = 60.0,
        budget: float | None = None,
        input_price: float | None = None,
        output_price: float | None = None,
        offline: bool = False,
        first_pause: float = 1.0,
    ) -> None:
        """Nothing is asked yet.

        version: names the rule that makes requests and reads replies. temperature: None leaves it
        to the server. timeout, first_pause: seconds. budget: USD that this object may spend.
        prices: USD per million tokens. offline: only what is on disk.
        """
        self.name = model
        self.store = ReplyStore(cache_dir)
        self._version = version
        self._params: dict[str, float | int] = {"max_tokens": max_reply_tokens}
        if temperature is not None:
            self._params["temperature"] = temperature
        self._max_reply_tokens = max_reply_tokens
        self._max_retries, self._first_pause = max_retries, first_pause
        self._concurrency = concurrency
        self._spending = Spending(prices=_prices(input_price, output_price), budget=budget)
        self._server = (
            None if offline else ChatServer(base_url=base_url, key=Secret(api_key), timeout=timeout)
        )
        self._stopped = threading.Event()
        self._not_before = 0.0  # time.monotonic() up to which the server asked to be left alone

    @property
    def usage(self) -> Usage:
        """What was asked so far, and what it cost."""
        return self._spending.usage

    def asked(self, request: Request) -> Asked:
        """The request with all that its reply depends on."""
        return Asked(self.name, self._version, request.repeat, request.messages, self._params)

    def missing(self, requests: Sequence[Request]) -> list[Asked]:
        """Those that have no reply on disk, each once."""
        unique = {asked.key: asked for asked in map(self.asked, requests)}
        return [asked for asked in unique.values() if self.store.read(asked) is None]

    def replies(
        self, requests: Sequence[Request], *, progress: Callable[[], None] | None = None
    ) -> list[Reply]:
        """One reply per request, in order; equal requests are asked once.

        progress: called for each reply as it comes, from several threads. Raises LynxError where
        the server fails or the budget ends; the replies up to then are kept.
        """
        keys = [self.asked(request) for request in requests]
        unique = {asked.key: asked for asked in keys}
        if self._server is None:
            self._check_complete(list(unique.values()))
        self._stopped.clear()
        with ThreadPoolExecutor(self._concurrency) as pool:
            futures = {
                key: pool.submit(self._reply, asked, progress) for key, asked in unique.items()
            }
            try:
                wait(futures.values(), return_when=FIRST_EXCEPTION)
            finally:  # after a failure or Ctrl-C nothing more is sent; what is under way is kept
                self._stopped.set()
                pool.shutdown(wait=True, cancel_futures=True)
        _raise_first(futures.values())
        return [futures[asked.key].result() for asked in keys]

    def _check_complete(self, wanted: Sequence[Asked]) -> None:
        num_missing = sum(self.store.read(asked) is None for asked in wanted)
        if num_missing:
            raise LynxError(
                f"offline: {num_missing} of {len(wanted)} replies of the judge '{self.name}' are "
                f"not in {self.store.directory}; copy the folder of the machine that asked for "
                "them, or ask the server (without --offline)"
            )

    def _reply(self, asked: Asked, progress: Callable[[], None] | None) -> Reply:
        stored, is_cached = self.store.read(asked), True
        if stored is None:
            if self._stopped.is_set():
                raise _StoppedError
            with self.store.held(asked):
                stored = self.store.read(asked)  # of another process that asked the same
                if stored is None:
                    stored, is_cached = self._asked_now(asked), False
                    self.store.write(asked, stored)
        self._count(stored, is_cached=is_cached)
        if progress is not None:
            progress()
        return Reply(
            stored.text, stored.prompt_tokens, stored.completion_tokens, is_cached, stored.model
        )

    def _count(self, stored: StoredReply, *, is_cached: bool) -> None:
        what = "cached" if is_cached else "asked"
        self._spending.count(what, model=stored.model, server=stored.server)
        if is_cached and None not in (stored.prompt_tokens, stored.completion_tokens):
            self._spending.count_cached_cost(
                stored.prompt_tokens or 0, stored.completion_tokens or 0
            )

    def _asked_now(self, asked: Asked) -> StoredReply:
        assert self._server is not None  # offline, nothing was missing
        completion, message = None, ""
        for attempt in range(self._max_retries + 1):
            try:
                completion = self._attempt(self._server, asked)
                break
            except FaultError as fault:
                again = fault.is_transient and attempt < self._max_retries
                wished = fault.retry_after
                message = f"{fault}{f' (after {attempt} retries)' if attempt else ''}"
                if wished is not None and wished > _LONGEST_WAIT:
                    again = False
                    message += f"; it asks to be left alone for {wished:.0f} s"
                if not again:
                    break
                if wished is not None:  # holds for all threads
                    self._not_before = max(self._not_before, time.monotonic() + wished)
                pause = 0.0 if wished is not None else self._pause(asked.key, attempt)
            self._spending.count("retries")
            if self._stopped.wait(pause):
                raise _StoppedError
        if completion is None:
            raise self._failed(message)
        if completion.model is not None and not is_same_model(self.name, completion.model):
            raise self._failed(
                f"answered as '{completion.model}'; that reply is not kept. If this is the judge "
                f"you mean, call it so: evaluation.judge.name={completion.model}"
            )
        return StoredReply(
            completion.text, completion.model, completion.prompt_tokens,
            completion.completion_tokens, self._server.url,
        )  # fmt: skip

    def _attempt(self, server: ChatServer, asked: Asked) -> Completion:
        while (left := self._not_before - time.monotonic()) > 0:
            if self._stopped.wait(left):
                raise _StoppedError
        num_bytes = sum(len(m["content"].encode("utf-8", "replace")) for m in asked.messages)
        reservation = self._spending.reserve(num_bytes, len(asked.messages), self._max_reply_tokens)
        maybe_billed = False
        completion = None
        try:
            if self._stopped.is_set():
                raise _StoppedError
            maybe_billed = True
            completion = server.ask(asked.body)
        except FaultError as fault:
            maybe_billed = fault.maybe_billed
            raise
        finally:
            if completion is None:
                self._spending.release(reservation, maybe_billed=maybe_billed)
        tokens = (completion.prompt_tokens, completion.completion_tokens)
        told = None if tokens[0] is None or tokens[1] is None else (tokens[0], tokens[1])
        self._spending.pay(reservation, told)
        return completion

    def _pause(self, key: str, attempt: int) -> float:
        """Seconds; spread by the request's key, so that threads don't return all at once."""
        spread = 0.75 + int(key[:4], 16) / 0xFFFF / 2
        return float(min(self._first_pause * 2**attempt * spread, _LONGEST_PAUSE))

    def _failed(self, what: str) -> LynxError:
        server = "" if self._server is None else f" at {self._server.url}"
        return LynxError(
            f"the judge '{self.name}'{server} {what}. Replies so far are kept; check "
            "evaluation.judge (name, base_url, api_key_variable) and run the command again"
        )


class _StoppedError(Exception):
    """Another thread has failed, or Ctrl-C was pressed."""


def _raise_first(futures: Iterable[Future[Reply]]) -> None:
    """Raise the reason for which the work ended early, if it did."""
    for future in futures:
        error = None if future.cancelled() else future.exception()
        if error is not None and not isinstance(error, _StoppedError):
            raise error


def _prices(input_price: float | None, output_price: float | None) -> Prices | None:
    if (input_price is None) != (output_price is None):
        missing = "input_price" if input_price is None else "output_price"
        raise LynxError(
            f"evaluation.judge.{missing}: both prices are needed, or none (USD per million tokens)"
        )
    if input_price is None or output_price is None:
        return None
    return Prices(input_price, output_price)
