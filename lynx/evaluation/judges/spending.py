"""Counts what a served judge is asked and what it costs, and holds it to a budget."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from lynx.config.errors import LynxError

# What a server may put around a message. A token is at least one byte of the text itself.
_TOKENS_AROUND = 16


@dataclass(frozen=True)
class Prices:
    """USD per million tokens."""

    input: float
    output: float

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """USD."""
        return (prompt_tokens * self.input + completion_tokens * self.output) / 1e6


@dataclass(frozen=True)
class Usage:
    """What was asked so far, and of whom."""

    asked: int = 0  # replies that came from the server
    cached: int = 0  # replies found on disk
    retries: int = 0
    prompt_tokens: int = 0  # of the replies asked; as the server counts
    completion_tokens: int = 0
    uncounted: int = 0  # replies asked whose tokens the server didn't tell
    cost: float | None = None  # USD; None without prices. At most this, where is_bound
    is_bound: bool = False  # it holds requests whose cost is not known, at the most they can cost
    cached_cost: float | None = None  # USD that the cached replies cost when they were asked
    models: Mapping[str, int] = field(default_factory=dict)  # replies by the name reported
    servers: Mapping[str, int] = field(default_factory=dict)  # replies by address


@dataclass(frozen=True)
class Reservation:
    """USD set aside for one request under way."""

    amount: float


class Spending:
    """Shared by the threads that ask."""

    def __init__(self, *, prices: Prices | None, budget: float | None) -> None:
        if budget is not None and prices is None:
            raise LynxError(
                "evaluation.judge.budget: a budget needs evaluation.judge.input_price and "
                "evaluation.judge.output_price (USD per million tokens), 0 where a "
                "model costs nothing"
            )
        self._prices, self._budget = prices, budget
        self._changed = threading.Condition()
        self._spent = self._reserved = self._cached = 0.0
        self._num_under_way = 0
        self._is_bound = False
        self._counts: Counter[str] = Counter()
        self._models: Counter[str] = Counter()
        self._servers: Counter[str] = Counter()

    def reserve(self, prompt_bytes: int, num_messages: int, max_reply_tokens: int) -> Reservation:
        """Set aside the most a request can cost; raises LynxError where the budget lacks it.

        Waits for requests under way, as they mostly cost less than was set aside for them.
        """
        bound = 0.0
        if self._prices is not None:
            tokens = prompt_bytes + _TOKENS_AROUND * (num_messages + 1)
            bound = self._prices.cost(tokens, max_reply_tokens)
        with self._changed:
            while self._budget is not None and self._spent + self._reserved + bound > self._budget:
                if self._num_under_way == 0:
                    raise LynxError(
                        f"the budget of {self._budget:g} USD (evaluation.judge.budget) is used up: "
                        f"{self._spent:.4g} USD are spent, and the next request may cost "
                        f"{bound:.4g} USD. What was replied is kept and isn't paid again: raise "
                        "the budget and run the command again"
                    )
                self._changed.wait()
            self._reserved += bound
            self._num_under_way += 1
        return Reservation(bound)

    def release(self, reservation: Reservation, *, maybe_billed: bool) -> None:
        """A request brought no reply; one that may have been billed counts at its most."""
        with self._changed:
            self._settle(reservation, reservation.amount if maybe_billed else 0.0)
            self._is_bound |= maybe_billed and self._prices is not None

    def pay(self, reservation: Reservation, tokens: tuple[int, int] | None) -> None:
        """A request was answered; tokens: of prompt and reply, None where they weren't told."""
        with self._changed:
            if tokens is None:
                self._counts["uncounted"] += 1
                self._is_bound |= self._prices is not None
                self._settle(reservation, reservation.amount)
                return
            self._counts["prompt_tokens"] += tokens[0]
            self._counts["completion_tokens"] += tokens[1]
            self._settle(reservation, self._prices.cost(*tokens) if self._prices else 0.0)

    def count(self, what: str, *, model: str | None = None, server: str | None = None) -> None:
        """Add one to "asked", "cached" or "retries"."""
        with self._changed:
            self._counts[what] += 1
            self._models.update([model] if model else [])
            self._servers.update([server] if server else [])

    def count_cached_cost(self, prompt_tokens: int, completion_tokens: int) -> None:
        """What a reply found on disk cost when it was asked."""
        with self._changed:
            self._cached += (
                self._prices.cost(prompt_tokens, completion_tokens) if self._prices else 0
            )

    @property
    def usage(self) -> Usage:
        """The figures so far."""
        with self._changed:
            priced = self._prices is not None
            counts = self._counts
            return Usage(
                asked=counts["asked"],
                cached=counts["cached"],
                retries=counts["retries"],
                prompt_tokens=counts["prompt_tokens"],
                completion_tokens=counts["completion_tokens"],
                uncounted=counts["uncounted"],
                cost=self._spent if priced else None,
                is_bound=self._is_bound,
                cached_cost=self._cached if priced else None,
                models=dict(self._models),
                servers=dict(self._servers),
            )

    def _settle(self, reservation: Reservation, cost: float) -> None:
        self._spent += cost
        self._num_under_way -= 1
        # Sums of fractions don't come back to nothing.
        self._reserved = self._reserved - reservation.amount if self._num_under_way else 0.0
        self._changed.notify_all()
