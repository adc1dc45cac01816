"""Prints a report on noisy texts as a table."""

from __future__ import annotations

from collections.abc import Mapping

from lynx.data.noise import LEAST_FOR_LANGUAGE
from lynx.data.noise_report import NoiseReport

_NUM_LANGUAGES = 6  # that the table names


def noise_table(report: NoiseReport) -> str:
    """The report as a person reads it."""
    read = report.num_read - report.num_unreadable
    lines = [
        f"{report.source} ({report.fingerprint}): {report.num_read} of {report.num_rows} rows"
        f"{'' if report.num_read == report.num_rows else ', evenly spaced'}; "
        f"{report.num_unreadable} unreadable",
        f"{'rule':<15} {'limit':>6} {'judged':>9} {'rows':>9} {'share':>7}  finds",
    ]
    for name, found in report.findings.items():
        limit = "" if found.rule.threshold is None else f"{found.rule.threshold:g}"
        count = _count(len(found.rows), read)
        lines.append(f"{name:<15} {limit:>6} {found.num_judged:>9} {count}  {found.rule.reason}")
        lines += [f"{'':<52}{example!r}" for example in found.examples]
    lines.append(f"{'any of them':<15} {'':>6} {read:>9} {_count(len(report.noisy()), read)}")
    lines.append(f"{'words':<15} {_quantile_text(report.num_words)}")
    shares = list(report.languages.items())[:_NUM_LANGUAGES]
    told = sum(report.languages.values())
    of = f"of {told} rows with {LEAST_FOR_LANGUAGE} and more words: "
    named = ", ".join(f"{name} {count / told:.1%}" for name, count in shares)
    lines.append(f"{'languages':<15} {of}{named or 'none'}")
    if report.num_scored:
        of = f"of {report.num_scored} rows: "
        lines.append(f"{'scores':<15} {of}{_quantile_text(report.scores)}")
    return "\n".join(lines)


def _quantile_text(quantiles: Mapping[int, float]) -> str:
    return ", ".join(f"{percent} % {value:g}" for percent, value in quantiles.items())


def _count(number: int, total: int) -> str:
    return f"{number:>9} {number / max(total, 1):>7.1%}"
