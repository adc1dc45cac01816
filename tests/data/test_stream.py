"""The order of samples: ratios at every prefix, permutations, and what recipes share."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from lynx.config.errors import LynxError
from lynx.config.recipe_files import load_recipe
from lynx.data.row_order import permuted, permuted_by_shards
from lynx.data.stream import ROUNDED_CYCLE, MixPlan, cycle_counts

WEIGHTS = {"captions": 60.5, "questions": 30.25, "scenes": 9.0, "jokes": 0.25}
SIZES = {"captions": 31, "questions": 700, "scenes": 64, "jokes": 1}


def plan_of(
    weights: dict[str, float] = WEIGHTS, *, seed: int = 0, sizes: dict[str, int] | None = None
) -> MixPlan:
    return MixPlan(weights=weights, sizes=sizes or SIZES, seed=seed, name="pretrain")


def largest_deviation(plan: MixPlan, weights: dict[str, float], *, length: int) -> float:
    """Over all sources and prefixes: how far the count is from its ratio."""
    total = sum(weights.values())
    counts: Counter[str] = Counter()
    worst = 0.0
    for position in range(length):
        counts[plan.source_names[plan.draw(position).source]] += 1
        for name, weight in weights.items():
            worst = max(worst, abs(counts[name] - (position + 1) * weight / total))
    return worst


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_prefix_has_the_recipes_ratios_within_two_samples(seed: int) -> None:
    plan = plan_of(seed=seed)
    assert largest_deviation(plan, WEIGHTS, length=3 * sum(plan.cycle_counts) + 7) < 2


@pytest.mark.parametrize("name", ["pretrain", "instruct"])
def test_prefixes_of_the_papers_recipes_have_their_ratios(name: str) -> None:
    weights = load_recipe(name).weights
    plan = plan_of(weights, sizes=dict.fromkeys(weights, 1000))
    assert largest_deviation(plan, weights, length=3000) < 2
    assert tuple(plan.counts(sum(plan.cycle_counts)).values()) == cycle_counts(weights)


def test_counts_tell_what_was_drawn() -> None:
    plan = plan_of(seed=3)
    for length in (0, 1, 777, 2 * sum(plan.cycle_counts) + 5):
        drawn = Counter(plan.draw(position).source for position in range(length))
        expected = {name: drawn[number] for number, name in enumerate(plan.source_names)}
        assert plan.counts(length) == expected


def test_each_epoch_of_a_source_has_every_row_once_in_another_order() -> None:
    plan = plan_of()
    rows = [
        (draw.epoch, draw.row)
        for draw in map(plan.draw, range(150))
        if plan.source_names[draw.source] == "captions"
    ]
    first, second = ([row for epoch, row in rows if epoch == number] for number in (0, 1))
    assert sorted(first) == sorted(second) == list(range(31))
    assert first != second


def test_recipes_share_the_order_inside_a_source() -> None:
    def rows(weights: dict[str, float]) -> list[tuple[int, int]]:
        plan = plan_of(weights, seed=5)
        draws = map(plan.draw, range(1000))
        names = plan.source_names
        return [(d.epoch, d.row) for d in draws if names[d.source] == "questions"][:200]

    assert rows({"questions": 1.0, "jokes": 2.0}) == rows({"scenes": 3.0, "questions": 4.0})


def test_seeds_differ_in_mix_and_order() -> None:
    one, other = ([plan_of(seed=seed).draw(p) for p in range(200)] for seed in (0, 1))
    assert [draw.source for draw in one] != [draw.source for draw in other]
    assert [draw.row for draw in one] != [draw.row for draw in other]


def test_a_position_far_away_needs_no_history() -> None:
    late = plan_of()
    position = 10**12
    assert late.draw(position) == plan_of().draw(position)
    assert late.draw(position).epoch > 10**6


@pytest.mark.parametrize("size", [1, 2, 3, 5, 16, 17, 1000])
def test_the_permutation_is_one_for_every_size(size: int) -> None:
    places = [permuted(index, size=size, key=12345 << 64) for index in range(size)]
    assert sorted(places) == list(range(size))
    assert size < 1000 or places[:10] != list(range(10))


def test_the_permutation_leaves_no_trace_of_the_old_order() -> None:
    size = 4000
    places = [permuted(index, size=size, key=99 << 70 | 7) for index in range(size)]
    mean = (size - 1) / 2
    products = [(a - mean) * (b - mean) for a, b in pairwise(places)]
    variance = sum((place - mean) ** 2 for place in places)
    assert abs(sum(products) / variance) < 0.06


def test_ratios_that_need_too_long_a_cycle_are_rounded_to_one() -> None:
    counts = cycle_counts({"a": 1.0000001, "b": 2.0})
    assert counts == (33333, ROUNDED_CYCLE - 33333)


def test_a_share_too_small_for_a_cycle_is_refused() -> None:
    with pytest.raises(LynxError, match="crumbs"):
        cycle_counts({"bread": 1.0, "crumbs": 1e-9})


ENDS = (7, 10, 31, 40, 52, 60, 61)


def test_an_order_by_shards_is_a_permutation_that_stays_within_windows() -> None:
    orders = [
        [permuted_by_shards(p, shard_ends=ENDS, window=3, key=key << 64 | 5) for p in range(61)]
        for key in range(4)
    ]
    assert all(sorted(order) == list(range(61)) for order in orders)
    assert len({tuple(order) for order in orders}) == 4
    for order in orders:
        shards = [next(n for n, end in enumerate(ENDS) if row < end) for row in order]
        windows: list[set[int]] = [set()]
        for shard in shards:
            if shard not in windows[-1] and len(windows[-1]) == 3:
                windows.append(set())
            windows[-1].add(shard)
        assert sorted(shard for window in windows for shard in window) == list(range(7))
    assert any(order[:10] != sorted(order[:10]) for order in orders)


def test_locality_leaves_the_mix_and_small_sources_as_they_are() -> None:
    weights, sizes = {"big": 2.0, "small": 1.0}, {"big": 61, "small": 10}
    ends = {"big": ENDS, "small": (6, 10)}
    plans = [
        MixPlan(weights=weights, sizes=sizes, seed=1, name="s", shard_ends=ends, locality=locality)
        for locality in (0, 3)
    ]
    plain, windowed = ([plan.draw(position) for position in range(150)] for plan in plans)
    assert [draw.source for draw in plain] == [draw.source for draw in windowed]
    assert [d for d in plain if d.source == 1] == [d for d in windowed if d.source == 1]
    assert sorted(d.row for d in windowed if d.source == 0 and d.epoch == 0) == list(range(61))


def test_weights_that_no_cycle_holds_do_not_drift() -> None:
    """Where each cycle was rounded alike, a source was off by as much in each."""
    weights = {"a": 1.0000001, "b": 2.0, "c": 0.00012345}
    plan = MixPlan(weights=weights, sizes={"a": 7, "b": 9, "c": 4}, seed=0, name="s")
    total = sum(weights.values())
    for position in (ROUNDED_CYCLE, 10**7 + 3, 153_600_000, 10**12):
        for name, count in plan.counts(position).items():
            assert abs(count - position * weights[name] / total) < 3
    start = 10 * ROUNDED_CYCLE - 50  # over a cycle's end
    drawn = Counter(plan.draw(position).source for position in range(start, start + 100))
    before, after = plan.counts(start), plan.counts(start + 100)
    assert {n: after[n] - before[n] for n in after} == {
        name: drawn[number] for number, name in enumerate(plan.source_names)
    }


def test_rows_of_a_rounded_source_are_gone_through_without_gaps() -> None:
    plan = plan_of({"captions": 1.0000001, "jokes": 2.0}, sizes={"captions": 40000, "jokes": 1})
    rows = [d.row for d in map(plan.draw, range(130_000)) if d.source == 0 and d.epoch == 0]
    assert sorted(rows) == list(range(40000))
