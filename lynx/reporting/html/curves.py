"""Loss curves: rows of metrics.jsonl become paths of an inline SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lynx.config.schema import STAGE_NAMES
from lynx.reporting.html.variants import Variant
from lynx.tracking.loggers import read_metrics

Points = list[tuple[float, float]]
_SIZE = 1000  # of the SVG's own coordinates, both ways
_LOSS, _SOURCE = "loss_since_last_log", "loss_of/"
_NUM_BINS, _NUM_SOURCE_BINS = 120, 50


@dataclass(frozen=True)
class Curve:
    """A line of a chart; is_seed: of one of several seeds, drawn thin below their mean."""

    place: int
    label: str
    path: str
    is_seed: bool
    last: float  # mean of the last bin


@dataclass(frozen=True)
class Tick:
    """A label of an axis, `at` % of its length."""

    at: float
    text: str


@dataclass(frozen=True)
class Chart:
    """Curves over steps on a logarithmic axis of losses."""

    title: str
    curves: list[Curve]
    x_ticks: list[Tick]
    y_ticks: list[Tick]


@dataclass(frozen=True)
class StageCurves:
    """The charts of one stage."""

    stage: str
    total: Chart
    sources: list[Chart]


def stage_curves(variants: Sequence[Variant]) -> list[StageCurves]:
    """Of every stage that has metrics, all variants over each other."""
    found = []
    for stage in STAGE_NAMES:
        rows = {
            variant.place: [
                rows for run in variant.runs.values()
                if (rows := read_metrics(run.metrics_path(stage)))
            ]
            for variant in variants
        }  # fmt: skip
        total = _chart(stage, variants, rows, _LOSS, _NUM_BINS, with_seeds=True)
        if total is None:
            continue
        charts = [
            _chart(key.removeprefix(_SOURCE), variants, rows, key, _NUM_SOURCE_BINS)
            for key in _source_keys(rows)
        ]
        found.append(StageCurves(stage, total, [chart for chart in charts if chart is not None]))
    return found


def _source_keys(rows: Mapping[int, list[list[dict[str, Any]]]]) -> list[str]:
    """`loss_of/<source>` of all sources, those of most samples first."""
    samples: dict[str, float] = {}
    for seeds in rows.values():
        for metrics in seeds:
            for key in {key for row in metrics for key in row if key.startswith(_SOURCE)}:
                count = metrics[-1].get(f"mix/{key.removeprefix(_SOURCE)}", 0)
                samples[key] = samples.get(key, 0) + count
    return sorted(samples, key=lambda key: (-samples[key], key))


def _chart(
    title: str,
    variants: Sequence[Variant],
    rows: Mapping[int, list[list[dict[str, Any]]]],
    key: str,
    num_bins: int,
    *,
    with_seeds: bool = False,
) -> Chart | None:
    """None where nobody has the metric."""
    points = {
        variant.place: [_points(metrics, key) for metrics in rows[variant.place]]
        for variant in variants
    }
    everything = [point for seeds in points.values() for seed in seeds for point in seed]
    if not everything:
        return None
    end = max(x for x, _ in everything) or 1.0
    lines: list[tuple[Variant, Points, bool]] = []
    for variant in variants:
        seeds = [seed for seed in points[variant.place] if seed]
        if with_seeds and len(seeds) > 1:
            lines += [(variant, _binned(seed, end, num_bins), True) for seed in seeds]
        if seeds:
            pooled = _binned([point for seed in seeds for point in seed], end, num_bins)
            lines.append((variant, pooled, False))
    losses = [y for _, line, _ in lines for _, y in line]
    low, high = min(losses), max(losses)
    if high / low < 1.2:
        low, high = low / 1.1, high * 1.1
    return Chart(
        title=title,
        curves=[
            Curve(variant.place, variant.label, _path(line, end, low, high), is_seed, line[-1][1])
            for variant, line, is_seed in lines
        ],
        x_ticks=[Tick(0, "0"), Tick(100, f"{end:.0f}")],
        y_ticks=_log_ticks(low, high),
    )


def _points(metrics: Sequence[Mapping[str, Any]], key: str) -> Points:
    """(step, loss) where it was logged; a loss of exactly 0 has no place on the axis."""
    return [
        (float(row["step"] + 1), float(row[key]))
        for row in metrics
        if row["step"] is not None and key in row and 0 < row[key] < math.inf
    ]


def _binned(points: Points, end: float, number: int) -> Points:
    """Means of at most `number` equal parts of the axis."""
    bins: dict[int, Points] = {}
    for x, y in points:
        bins.setdefault(min(int(number * x / end), number - 1), []).append((x, y))
    return [
        (sum(x for x, _ in own) / len(own), sum(y for _, y in own) / len(own))
        for _, own in sorted(bins.items())
    ]


def _path(points: Points, end: float, low: float, high: float) -> str:
    places = [f"{_SIZE * x / end:.0f} {_SIZE * (1 - _height(y, low, high)):.0f}" for x, y in points]
    if len(places) == 1:
        places *= 2  # a point, with round caps
    return "M" + "L".join(places)


def _height(value: float, low: float, high: float) -> float:
    return math.log(value / low) / math.log(high / low)


def _log_ticks(low: float, high: float) -> list[Tick]:
    """Round values between the ends, at most about five."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 5), (1, 3), (1,)):
        values = [digit * 10.0**e for e in exponents for digit in digits]
        inside = [value for value in values if low <= value <= high]
        if len(inside) <= 5:
            break
    inside = inside if len(inside) > 1 else [low, high]
    return [Tick(100 * (1 - _height(v, low, high)), f"{v:.3g}") for v in inside]
