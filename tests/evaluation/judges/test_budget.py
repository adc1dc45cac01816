"""A budget is never exceeded, as the server counts, and what was paid for is kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lynx.config.errors import LynxError
from lynx.evaluation.judges.served import ServedModel
from lynx.evaluation.judges.spending import Prices, Spending
from tests.chat_server import Fault, Server, failure, half, silent, slow
from tests.evaluation.judges.conftest import asking

Build = Callable[..., ServedModel]
PRICES = {"input_price": 30.0, "output_price": 60.0}
COST = Prices(30.0, 60.0).cost(20, 2)  # of one reply, as the server counts


@pytest.mark.parametrize("concurrency", [1, 8])
def test_requests_stop_before_the_budget_is_exceeded(
    server: Server, build: Build, concurrency: int
) -> None:
    server.tokens = (20, 2)
    server.faults = [slow(0.01)] * 40
    budget = 0.015
    served = build(budget=budget, max_reply_tokens=64, concurrency=concurrency, **PRICES)
    with pytest.raises(LynxError, match=r"budget of 0\.015 USD .*are spent, and the next"):
        served.replies(asking(*(f"q{i}" for i in range(40))))
    spent = server.num_answered * COST
    most = Prices(30.0, 60.0).cost(3 + 2 * 16, 64)  # of one request
    assert spent <= budget
    assert spent > budget - most  # it isn't stopped early either
    assert served.usage.cost == pytest.approx(spent)


def test_requests_at_the_same_time_cannot_exceed_the_budget_together(
    server: Server, build: Build
) -> None:
    server.tokens = (30, 64)  # about as much as was set aside
    server.faults = [slow(0.1)] * 40
    with pytest.raises(LynxError, match="budget"):
        build(budget=0.015, concurrency=8, **PRICES).replies(asking(*(f"q{i}" for i in range(40))))
    assert server.num_answered == 3
    assert server.num_answered * Prices(30.0, 60.0).cost(30, 64) <= 0.015


def test_a_higher_budget_goes_on_where_the_first_ended(server: Server, build: Build) -> None:
    server.tokens = (20, 2)
    requests = asking(*(f"q{i}" for i in range(30)))
    with pytest.raises(LynxError, match="budget"):
        build(budget=0.01, **PRICES).replies(requests)
    assert 0 < server.num_answered < 30
    build(budget=1.0, **PRICES).replies(requests)
    assert server.num_answered == 30


def test_a_budget_below_one_request_sends_nothing(server: Server, build: Build) -> None:
    with pytest.raises(LynxError, match=r"0 USD are spent"):
        build(budget=1e-6, **PRICES).replies(asking("q"))
    assert not server.requests


def test_a_longer_prompt_needs_more_of_the_budget(server: Server, build: Build) -> None:
    budget = Prices(30.0, 60.0).cost(1000, 64)
    build(budget=budget, **PRICES).replies(asking("q" * 900))
    with pytest.raises(LynxError, match="budget"):
        build(budget=budget, **PRICES).replies(asking("ü" * 900))  # 1800 bytes
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("fault", "is_counted"), [(half, True), (silent, True), (failure(500), False)]
)
def test_a_request_that_may_have_been_billed_counts_at_its_most(
    server: Server, build: Build, fault: Fault, is_counted: bool
) -> None:
    server.tokens, server.faults = (20, 2), [fault]
    served = build(timeout=1.0, **PRICES)
    served.replies(asking("q"))
    most = Prices(30.0, 60.0).cost(1 + 2 * 16, 64)
    assert served.usage.cost == pytest.approx(COST + (most if is_counted else 0))
    assert served.usage.is_bound is is_counted


def test_replies_without_figures_are_counted_at_their_most(server: Server, build: Build) -> None:
    served = build(**PRICES)
    served.replies(asking("q"))
    assert served.usage.cost == pytest.approx(Prices(30.0, 60.0).cost(1 + 2 * 16, 64))
    assert (served.usage.uncounted, served.usage.is_bound) == (1, True)


def test_a_budget_without_prices_is_refused_and_a_price_alone_as_well(build: Build) -> None:
    with pytest.raises(LynxError, match=r"input_price and evaluation\.judge\.output_price"):
        build(budget=1.0)
    with pytest.raises(LynxError, match=r"evaluation\.judge\.output_price: both prices"):
        build(input_price=30.0)


def test_cached_replies_need_no_budget(server: Server, build: Build) -> None:
    server.tokens = (20, 2)
    build().replies(asking("q"))
    served = build(budget=1e-9, **PRICES)
    assert served.replies(asking("q"))[0].is_cached
    assert served.usage.cost == 0.0


def test_many_small_sums_leave_no_request_waiting_for_ever() -> None:
    spending = Spending(prices=Prices(0.1, 0.3), budget=5e-6)
    for _ in range(50):
        spending.release(spending.reserve(1, 1, 1), maybe_billed=False)
    spending.pay(spending.reserve(1, 1, 1), (1, 1))
    with pytest.raises(LynxError, match="budget"):
        spending.reserve(20, 1, 10)
