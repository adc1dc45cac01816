"""What a benchmark's section shows: scores by class, differences to the base, and what is reached
without looking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from lynx.config.errors import LynxError
from lynx.evaluation.compare import Comparison, Paired, compare_seeds
from lynx.evaluation.results import ResultFiles
from lynx.evaluation.statistics import wilson
from lynx.reporting.html.variants import Variant, pairs
from lynx.reporting.measured import evaluated_folders, is_outdated
from lynx.reporting.paper_facts import OVERALL
from lynx.reporting.verdict import is_decided, side_by_side
from lynx.tracking.run_dir import RunDir

_WITHOUT = {
    "swapped": "another question's picture",
    "blank": "a grey picture",
    "text_only": "no picture at all",
}
_STEP = 0.05  # the axis of differences ends at a multiple of it


@dataclass(frozen=True)
class Dot:
    """A value with its interval on an axis, in % of the axis' length, and the same as text."""

    place: int  # of the variant
    label: str
    at: float
    low: float
    high: float
    text: str
    verdict: str = ""  # "better", "worse" or "undecided", for differences


@dataclass(frozen=True)
class ScoreLine:
    """One class of questions: a dot per variant, and a dot per difference to the base."""

    name: str
    n: int
    shares: list[Dot]
    differences: list[Dot]


@dataclass(frozen=True)
class Bar:
    """A share under one condition."""

    name: str
    share: float
    is_own: bool = False  # the question's own picture was shown


@dataclass(frozen=True)
class Against:
    """A variant beside the base on one benchmark: a comparison, or why there is none."""

    variant: Variant
    comparison: Comparison | None
    reason: str = ""

    @property
    def overall(self) -> Paired | None:
        """All questions together."""
        return None if self.comparison is None else self.comparison.categories[OVERALL]

    @property
    def verdict(self) -> str:
        """Of all questions together; "" where they can't be compared."""
        return "" if self.overall is None else verdict_word(self.overall)


@dataclass(frozen=True)
class BenchmarkFigures:
    """Everything the report says about one benchmark."""

    name: str
    judges: list[str]
    contents: Mapping[int, Mapping[int, Mapping[str, Any]]]  # scores.json by variant and seed
    against: list[Against]
    lines: list[ScoreLine]
    looking: list[tuple[Variant, list[Bar]]]
    reach: float  # of the differences' axis, to each side (1.0 = 100 points)
    stale: list[str] = field(default_factory=list)


def benchmark_names(variants: Sequence[Variant]) -> list[str]:
    """Benchmarks that a run of the report has been evaluated on, in the base's order."""
    names = [name for v in variants for run in v.runs.values() for name in evaluated_folders(run)]
    return list(dict.fromkeys(names))


def benchmark_figures(variants: Sequence[Variant], name: str) -> BenchmarkFigures:
    """Read what all variants have on one benchmark; evaluations of other weights are left out."""
    contents: dict[int, dict[int, Mapping[str, Any]]] = {}
    stale: list[str] = []
    for variant in variants:
        for seed, run in variant.runs.items():
            content = ResultFiles(run.eval_dir(name)).scores()
            if content is not None and is_outdated(run, name):
                stale.append(
                    f"{variant.label}, seed {seed}: other weights answered than those "
                    "now in the folder, so it is left out; evaluate that run again"
                )
            elif content is not None:
                contents.setdefault(variant.place, {})[seed] = content
    against = [_against(variants[0], other, name, contents) for other in variants[1:]]
    reach = _reach(against)
    return BenchmarkFigures(
        name=name,
        judges=sorted({str(one["judge"]) for by in contents.values() for one in by.values()}),
        contents=contents,
        against=against,
        reach=reach,
        lines=_lines(variants, contents, against, reach),
        looking=[
            (variant, bars)
            for variant in variants
            if (bars := _bars(list(contents.get(variant.place, {}).values())))
        ],
        stale=stale,
    )


def verdict_word(both: Paired, *, num_verdicts: int = 1) -> str:
    """Whether the variant is better or worse than the base, or that is undecided."""
    if not is_decided(both, num_verdicts=num_verdicts):
        return "undecided"
    return "better" if both.difference.value > 0 else "worse"


def has_verdicts(content: Mapping[str, Any]) -> bool:
    """Whether answers were judged; those of some benchmarks are only compared across runs."""
    return content["overall"] is not None


def _against(
    base: Variant,
    other: Variant,
    name: str,
    contents: Mapping[int, Mapping[int, Mapping[str, Any]]],
) -> Against:
    def is_judged(run: RunDir, variant: Variant) -> bool:
        own = [c for s, c in contents.get(variant.place, {}).items() if variant.runs[s] is run]
        return bool(own) and has_verdicts(own[0])

    measured = [one for one in (base, other) if contents.get(one.place)]
    if len(measured) < 2:
        lacking = ", ".join(v.label for v in (base, other) if v not in measured)
        return Against(other, None, f"not evaluated: {lacking}")
    common = [(b, o) for b, o in pairs(base, other) if is_judged(b, base) and is_judged(o, other)]
    if not common:
        judged = all(has_verdicts(c) for by in contents.values() for c in by.values())
        reason = "no seed that both were evaluated at" if judged else "no verdicts within a run"
        return Against(other, None, reason)
    try:
        return Against(other, compare_seeds(common, name))
    except LynxError as error:
        return Against(other, None, str(error))


def _lines(
    variants: Sequence[Variant],
    contents: Mapping[int, Mapping[int, Mapping[str, Any]]],
    against: Sequence[Against],
    reach: float,
) -> list[ScoreLine]:
    everyone = [content for by in contents.values() for content in by.values()]
    judged = [content for content in everyone if has_verdicts(content)]
    if not judged:
        return []
    lines = []
    for name in [OVERALL, *dict.fromkeys(c for one in judged for c in one["categories"])]:
        found = [score for one in judged if (score := _score(one, name)) is not None]
        shares = [_share(variant, contents, name) for variant in variants]
        lines.append(
            ScoreLine(
                name=name,
                n=max(score["n"] for score in found),
                shares=[dot for dot in shares if dot is not None],
                differences=[
                    dot for one in against if (dot := _difference(one, name, reach)) is not None
                ],
            )
        )
    return lines


def _share(
    variant: Variant, contents: Mapping[int, Mapping[int, Mapping[str, Any]]], name: str
) -> Dot | None:
    own = contents.get(variant.place, {}).values()
    scores = [s for content in own if (s := _score(content, name)) is not None]
    if not scores:
        return None
    share = fmean(score["accuracy"] for score in scores)
    interval = wilson(share * scores[0]["n"], scores[0]["n"])
    text = f"{100 * share:.1f} [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"
    return Dot(variant.place, variant.label, 100 * share, 100 * interval.low, 100 * interval.high,
               text)  # fmt: skip


def _difference(against: Against, name: str, reach: float) -> Dot | None:
    categories = {} if against.comparison is None else against.comparison.categories
    both = categories.get(name)
    if both is None:
        return None

    def at(value: float) -> float:
        return 50 + 50 * max(-1.0, min(1.0, value / reach))

    low, high = both.difference.interval.low, both.difference.interval.high
    value = both.difference.value
    return Dot(
        place=against.variant.place,
        label=against.variant.label,
        at=at(value),
        low=at(low),
        high=at(high),
        text=f"{100 * value:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]",
        verdict=verdict_word(both, num_verdicts=side_by_side(name, categories)),
    )


def _reach(against: Sequence[Against]) -> float:
    ends = [
        abs(end)
        for one in against
        if one.comparison is not None
        for both in one.comparison.categories.values()
        for end in (both.difference.interval.low, both.difference.interval.high)
    ]
    furthest = max(ends, default=_STEP)
    return min(1.0, max(_STEP, -(-furthest // _STEP) * _STEP))


def _score(content: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    score: Mapping[str, Any] | None
    score = content["overall"] if name == OVERALL else content["categories"].get(name)
    return score


def _bars(contents: Sequence[Mapping[str, Any]]) -> list[Bar]:
    """Mean shares over the seeds: as asked, without looking, and by rules that never look."""
    scores = [content["overall"] for content in contents if has_verdicts(content)]
    if not scores:
        return []
    bars = [Bar("its own picture", fmean(s["accuracy"] for s in scores), is_own=True)]
    for vision, text in _WITHOUT.items():
        reached = [(score["without_vision"] or {}).get(vision) for score in scores]
        known = [share for share in reached if share is not None]
        if len(known) == len(reached):
            bars.append(Bar(text, fmean(known)))
    bars.append(Bar("the most frequent answer of each class", fmean(s["majority"] for s in scores)))
    always = [score["always_yes"] for score in scores if score["always_yes"] is not None]
    if always:
        bars.append(Bar('always "yes"', fmean(always)))
    return bars
