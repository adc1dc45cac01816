"""Prints Table 5's form: a row per variant, overall shares, then differences to the base."""

from __future__ import annotations

from collections.abc import Sequence

from lynx.evaluation.compare import Paired
from lynx.evaluation.statistics import Interval
from lynx.reporting.measured import (
    Row,
    Runs,
    common_seeds,
    compared,
    num_questions,
    plug_and_play,
    share,
)
from lynx.reporting.paper_facts import OVERALL, OWLEVAL_QUESTIONS
from lynx.reporting.text import aligned
from lynx.reporting.verdict import paper_delta, verdict

NOT_RUN = "not run"
SHORT = {"open_vqa_image": "image", "open_vqa_video": "video"}
ONE_SEED = "(1 seed)"


def shares_text(rows: Sequence[Row], benchmarks: Sequence[str]) -> str:
    """Overall shares in %, paper beside measured, and what the base reaches without pictures."""
    has_owleval = any(row.paper.owleval_win is not None for row in rows)
    lines = _header("right answers, %", ["paper", "measured [95 %]"], benchmarks)
    for line, cells in zip(lines, (["OwlEval", ""], ["paper", "measured"]), strict=True):
        line += cells if has_owleval else []
    seeds = [seeds_text(row, benchmarks) for row in rows]
    in_parts = any("/" in cell for cell in seeds)
    lines[0].append("seeds" if in_parts else "")
    lines[1].append("/".join(map(short, benchmarks)) if in_parts else "seeds")
    for row, cell in zip(rows, seeds, strict=True):
        line = [row.label]
        for name in benchmarks:
            line += [row.paper.printed(name), _share_cell(row.evaluated(name), name)]
        win = row.paper.owleval_win
        line += ["-" if win is None else f"{win}/{OWLEVAL_QUESTIONS}", "-"] if has_owleval else []
        lines.append([*line, cell])
    base, tail = rows[0], (["-", "-", ""] if has_owleval else [""])
    for label, field in (("swapped pictures", "blind"), ("most frequent answer", "majority")):
        line = [f"{base.label}, {label}" if field == "blind" else label]
        for name in benchmarks:
            pooled = share(base.evaluated(name), name)
            line += ["-", percent_text(None if pooled is None else getattr(pooled, field))]
        lines.append([*line, *tail])
    return aligned(lines)


def differences_text(base: Row, others: Sequence[Row], benchmarks: Sequence[str]) -> str:
    """A line for each row and benchmark: the paper's difference to the base in points, the measured
    one, paired by question, its interval over seeds where there are several, and the verdict."""
    found = {(row.label, name): compared(base, row, name) for row in others for name in benchmarks}
    overall = {key: None if one is None else one.categories[OVERALL] for key, one in found.items()}
    has_seeds = any(one is not None and one.seed_interval is not None for one in overall.values())
    header = [f"difference to {base.label}, points", "paper", "measured [95 %]"]
    lines = [[*header, *(["over seeds"] if has_seeds else []), "verdict"]]
    for row in others:
        for name in benchmarks:
            both, delta = overall[row.label, name], paper_delta(base.paper, row.paper, name)
            label = f"{row.label}, {short(name)} {odd_seeds_text(base, row, name)}".rstrip()
            line = [label, "-" if delta is None else f"{delta:+.2f}", difference_text(both)]
            line += [seed_interval_text(both)] if has_seeds else []
            lines.append([*line, _verdict_cell(delta, both, base, row, name)])
    return aligned(lines)


def counts_text(rows: Sequence[Row], benchmarks: Sequence[str]) -> str:
    """How many questions stand behind each benchmark's column."""
    parts = []
    for name in benchmarks:
        counts = {num_questions(row.evaluated(name), name) for row in rows} - {0}
        n = f"n = {' or '.join(map(str, sorted(counts)))}" if counts else "not measured"
        parts.append(f"{short(name)}: {n}")
    return "; ".join(parts)


def seeds_text(row: Row, benchmarks: Sequence[str]) -> str:
    """The seeds evaluated, e.g. "0,1", and "0,1/0" where the benchmarks' differ; "not run"."""
    seeds = [",".join(map(str, row.evaluated(name))) for name in benchmarks]
    if len(set(seeds)) == 1:
        return seeds[0] or NOT_RUN
    return "/".join(one or "-" for one in seeds)


def odd_seeds_text(base: Row, row: Row, benchmark: str) -> str:
    """ "(seeds 0)" where a difference rests on fewer seeds than a share of its rows; else ""."""
    seeds = common_seeds(base, row, benchmark)
    measured = [list(one.evaluated(benchmark)) for one in (base, row)]
    if not all(measured) or all(seeds == own for own in measured):
        return ""
    return f"(seeds {','.join(map(str, seeds))})" if seeds else "(no common seed)"


def differs_in_plug_and_play(base: Row, row: Row, benchmark: str) -> bool:
    """Whether a run of the two rows described the pictures first where the paper's didn't, or not
    where it did."""
    return any(
        plug_and_play(one.evaluated(benchmark), benchmark)
        - {benchmark in one.paper.plug_and_play}
        for one in (base, row)
    )  # fmt: skip


def short(benchmark: str) -> str:
    """The benchmark's name as columns have it."""
    return SHORT.get(benchmark, benchmark)


def percent_text(value: float | None) -> str:
    """A share as a percentage with one decimal, "-" for none."""
    return "-" if value is None else f"{100 * value:.1f}"


def difference_text(both: Paired | None) -> str:
    """A difference in points with its interval over questions, "-" for none."""
    if both is None:
        return "-"
    return f"{100 * both.difference.value:+.1f} {_interval_text(both.difference.interval)}"


def seed_interval_text(both: Paired | None) -> str:
    """The interval over seeds in points, "-" for none."""
    if both is None or both.seed_interval is None:
        return "-"
    return _interval_text(both.seed_interval)


def _verdict_cell(
    delta: float | None, both: Paired | None, base: Row, row: Row, benchmark: str
) -> str:
    word = verdict(delta, both)
    if both is None or word == "-":
        return word
    star = "*" if differs_in_plug_and_play(base, row, benchmark) else ""
    note = f" {ONE_SEED}" if both.num_seeds == 1 and word != "undecided" else ""
    return f"{word}{star}{note}"


def _header(corner: str, columns: list[str], benchmarks: Sequence[str]) -> list[list[str]]:
    """Two lines: the benchmarks, and below each the same columns."""
    top = [""]
    for name in benchmarks:
        top += [short(name), *[""] * (len(columns) - 1)]
    return [top, [corner, *columns * len(benchmarks)]]


def _share_cell(runs: Runs, benchmark: str) -> str:
    pooled = share(runs, benchmark)
    if pooled is None:
        return "-"
    low, high = pooled.interval.low, pooled.interval.high
    return f"{100 * pooled.accuracy:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def _interval_text(interval: Interval) -> str:
    return f"[{100 * interval.low:+.1f}, {100 * interval.high:+.1f}]"
