"""Lays out what `lynx judge` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lynx.evaluation.judges.agreement import CHOICES, Agreement, Correct, Report, Share
from lynx.evaluation.judges.rejudging import JudgedShare
from lynx.evaluation.judges.repeats import SelfAgreement
from lynx.evaluation.judges.spending import Usage
from lynx.evaluation.statistics import Interval, wilson
from lynx.reporting.text import aligned

_WORDS: Mapping[Correct, str] = {True: "yes", False: "no", None: "unparseable"}


def shares_text(shares: Mapping[str, JudgedShare]) -> str:
    """A line per category; where verdicts are missing, both bounds."""
    rows = [["category", "n", "right", "%", "95 %", "unparseable", "bounds %"]]
    for name, share in shares.items():
        bounds = "-"
        if share.unparseable:
            bounds = f"{_percent(share.accuracy)} to {_percent(share.upper_bound)}"
        rows.append([
            name, str(share.n), str(share.correct), _percent(share.accuracy),
            _interval(share.interval), str(share.unparseable), bounds,
        ])  # fmt: skip
    return (
        f"{aligned(rows)}\n%: unparseable counted as wrong; bounds: all of them wrong, or all right"
    )


def repeats_text(found: SelfAgreement | None) -> str:
    """How often the judge contradicts itself; "" where it was asked once."""
    if found is None:
        return ""
    low, high = min(found.accuracies), max(found.accuracies)
    kappa = "undefined, all verdicts are the same" if found.kappa is None else f"{found.kappa:.3f}"
    return (
        f"repeats: {found.num_flipped} of {found.n} answers got different verdicts in {found.k} "
        f"({_percent(found.flip_rate)} % {_interval(found.interval)}); two verdicts on an answer "
        f"differ with {_percent(found.disagreement)} %; Fleiss' kappa {kappa}; right by each "
        f"repeat alone: {_percent(low)} to {_percent(high)} %"
    )


def usage_text(usage: Usage) -> str:
    """What was asked and what it cost, over all benchmarks of the command."""
    lines = [
        f"replies: {usage.asked + usage.cached}, of which {usage.cached} were on disk and "
        f"{usage.asked} were asked for; retries {usage.retries}",
        f"tokens: {usage.prompt_tokens} in, {usage.completion_tokens} out"
        + (f"; {usage.uncounted} replies came without figures" if usage.uncounted else ""),
    ]
    if usage.cost is None:
        lines.append("cost: unknown without --input-price and --output-price")
    else:
        most = "at most " if usage.is_bound else ""
        lines.append(
            f"cost: {most}{usage.cost:.4f} USD; those on disk, when they were asked for: "
            f"{usage.cached_cost or 0.0:.4f} USD"
        )
    lines.append(f"answered by: {_counted(usage.models)}; at: {_counted(usage.servers)}")
    if len(usage.models) > 1:
        lines.append("warning: several models answered under the judge's name")
    return "\n".join(lines)


def agreement_text(report: Report, names: tuple[str, str], counts: tuple[int, int, int]) -> str:
    """The whole comparison. counts: answers that both judged, only A, only B."""
    a, b = names
    n, only_a, only_b = counts
    groups = {
        "all": report.overall,
        **report.by_type,
        **{f"category {name}": one for name, one in report.by_category.items()},
    }
    rows = [["answers", "n", "same", "% [95 %]", "kappa [95 %]", "sensitivity", "specificity"]]
    rows += [_group_row(name, one) for name, one in groups.items()]
    of_hundred = wilson(95, 100)
    return "\n".join([
        f"A: {a}",
        f"B: {b}",
        f"both judged {n} answers; only A {only_a}, only B {only_b}",
        "",
        _confusion_text(report.overall),
        "",
        aligned(rows),
        "same: of yes, no, unparseable; sensitivity: A says yes where B does; specificity: A "
        "doesn't where B says no",
        "",
        _corrected_text(report),
        f"for scale: 95 of 100 alike is {_interval(of_hundred)} %, and says nothing of chance; "
        "kappa does",
    ])  # fmt: skip


def _confusion_text(found: Agreement) -> str:
    rows = [["", *(f"B {_WORDS[b]}" for b in CHOICES)]]
    for a in CHOICES:
        rows.append([f"A {_WORDS[a]}", *(str(found.confusion[a, b]) for b in CHOICES)])
    return aligned(rows)


def _group_row(name: str, found: Agreement) -> list[str]:
    kappa = found.kappa
    return [
        name,
        str(found.agreement.n),
        str(found.agreement.count),
        _share(found.agreement),
        "-" if kappa is None else f"{kappa.value:.2f} {_plain(kappa.interval)}",
        _share(found.sensitivity),
        _share(found.specificity),
    ]


def _corrected_text(report: Report) -> str:
    apparent = f"right by A: {_share(report.apparent)} % of {report.apparent.n} answers"
    if report.corrected is None:
        return (
            f"{apparent}; it can't be corrected: B lacks right or wrong answers, or A calls right "
            "answers right no more often than wrong ones"
        )
    found = report.corrected
    return (
        f"{apparent}; as B would have counted (Rogan-Gladen): {_percent(found.value)} "
        f"{_interval(found.interval)} %"
    )


def _share(share: Share) -> str:
    value = share.value
    return "-" if value is None else f"{_percent(value)} {_interval(share.interval)}"


def _interval(interval: Interval) -> str:
    return f"[{_percent(interval.low)}, {_percent(interval.high)}]"


def _plain(interval: Interval) -> str:
    return f"[{interval.low:.2f}, {interval.high:.2f}]"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _counted(counts: Mapping[str, int]) -> str:
    parts: Sequence[str] = [f"{name} ({count})" for name, count in sorted(counts.items())]
    return ", ".join(parts) or "not told"
