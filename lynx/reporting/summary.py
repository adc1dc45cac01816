"""Prints Table 5's form: a row per variant, overall shares, then differences to the base."""

from __future__ import annotations

from collections.abc import Sequence

from lynx.evaluation.statistics import Difference
from lynx.reporting.measured import Row, Runs, num_questions, paired, share
from lynx.reporting.paper_facts import OWLEVAL_QUESTIONS
from lynx.reporting.text import aligned
from lynx.reporting.verdict import paper_delta, verdict

NOT_RUN = "not run"
SHORT = {"open_vqa_image": "image", "open_vqa_video": "video"}


def shares_text(rows: Sequence[Row], benchmarks: Sequence[str]) -> str:
    """Overall shares in %, paper beside measured, and what the base reaches without pictures."""
    has_owleval = any(row.paper.owleval_win is not None for row in rows)
    columns = ["paper", "measured [95 %]"]
    lines = _header("right answers, %", columns, benchmarks)
    for line, cells in zip(lines, (["OwlEval", ""], ["paper", "measured"]), strict=True):
        line += cells if has_owleval else []
    lines[0].append("")
    lines[1].append("seeds")
    for row in rows:
        line = [row.label]
        for name in benchmarks:
            line += [row.paper.printed(name), _share_cell(row.evaluated(name), name)]
        win = row.paper.owleval_win
        line += ["-" if win is None else f"{win}/{OWLEVAL_QUESTIONS}", "-"] if has_owleval else []
        lines.append([*line, seeds_text(row, benchmarks)])
    base, tail = rows[0], (["-", "-", ""] if has_owleval else [""])
    for label, field in (("swapped pictures", "blind"), ("most frequent answer", "majority")):
        line = [f"{base.label}, {label}" if field == "blind" else label]
        for name in benchmarks:
            pooled = share(base.evaluated(name), name)
            line += ["-", percent_text(None if pooled is None else getattr(pooled, field))]
        lines.append([*line, *tail])
    return aligned(lines)


def differences_text(base: Row, others: Sequence[Row], benchmarks: Sequence[str]) -> str:
    """Differences to the base in points: the paper's, the measured paired one, and the verdict."""
    columns = ["paper", "measured [95 %]", "verdict"]
    lines = _header(f"difference to {base.label}, points", columns, benchmarks)
    for row in others:
        line = [row.label]
        for name in benchmarks:
            delta = paper_delta(base.paper, row.paper, name)
            overall = paired(base.evaluated(name), row.evaluated(name), name).get("Overall")
            measured = None if overall is None else overall.difference
            line += [
                "-" if delta is None else f"{delta:+.2f}",
                _difference_cell(measured),
                verdict(delta, measured),
            ]
        lines.append(line)
    return aligned(lines)


def counts_text(rows: Sequence[Row], benchmarks: Sequence[str]) -> str:
    """How many questions stand behind each benchmark's column."""
    parts = []
    for name in benchmarks:
        n = max(num_questions(row.evaluated(name), name) for row in rows)
        parts.append(f"{SHORT.get(name, name)}: {f'n = {n}' if n else 'not measured'}")
    return "; ".join(parts)


def seeds_text(row: Row, benchmarks: Sequence[str]) -> str:
    """The seeds that were evaluated on all benchmarks, e.g. "0,1"; "not run" without any."""
    seeds = [s for s in row.runs if all(s in row.evaluated(name) for name in benchmarks)]
    return ",".join(map(str, seeds)) or NOT_RUN


def percent_text(value: float | None) -> str:
    """A share as a percentage with one decimal, "-" for none."""
    return "-" if value is None else f"{100 * value:.1f}"


def _header(corner: str, columns: list[str], benchmarks: Sequence[str]) -> list[list[str]]:
    """Two lines: the benchmarks, and below each the same columns."""
    top = [""]
    for name in benchmarks:
        top += [SHORT.get(name, name), *[""] * (len(columns) - 1)]
    return [top, [corner, *columns * len(benchmarks)]]


def _share_cell(runs: Runs, benchmark: str) -> str:
    pooled = share(runs, benchmark)
    if pooled is None:
        return "-"
    low, high = pooled.interval.low, pooled.interval.high
    return f"{100 * pooled.accuracy:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def _difference_cell(difference: Difference | None) -> str:
    if difference is None:
        return "-"
    low, high = difference.interval.low, difference.interval.high
    return f"{100 * difference.value:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"
