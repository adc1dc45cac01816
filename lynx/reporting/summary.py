"""Makes Table 5's form: a row per variant, overall shares, then differences to the base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lynx.config.schema import VISIONS_WITHOUT
from lynx.evaluation.compare import Paired
from lynx.evaluation.statistics import Interval
from lynx.reporting.evidence import measured
from lynx.reporting.grid import NOTHING, Cell, Grid, label, labels, nothing, paper
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
from lynx.reporting.verdict import paper_delta, verdict
from lynx.tracking.run_dir import RunDir

NOT_RUN = "not run"
SHORT = {"open_vqa_image": "image", "open_vqa_video": "video"}
ONE_SEED = "(1 seed)"
SWAPPED, BLANK, TEXT_ONLY = VISIONS_WITHOUT
VISION_WORDS = {SWAPPED: "swapped pictures", BLANK: "blank pictures", TEXT_ONLY: "no pictures"}


@dataclass(frozen=True)
class Wins:
    """OwlEval by row: a cell that says in how many questions the row was preferred to the base."""

    cells: Mapping[str, Cell]

    def of(self, row: str) -> Cell:
        """The row's cell, "-" where nobody compared it."""
        return self.cells.get(row, nothing())


def shares_grid(
    rows: Sequence[Row],
    benchmarks: Sequence[str],
    *,
    wins: Wins | None = None,
    visions: Sequence[str] = (SWAPPED,),
    has_always_yes: bool = False,
) -> Grid:
    """Overall shares in %, paper beside measured, and what the base reaches without pictures.

    wins: of OwlEval, in a column where the paper has one. visions: rows of what stood for the
    pictures; those that the base was not asked with are left out, except swapped ones.
    has_always_yes: whether what one who always says yes would reach has a row.
    """
    has_owleval = any(row.paper.owleval_win is not None for row in rows)
    seeds = [seeds_text(row, benchmarks) for row in rows]
    in_parts = any("/" in cell for cell in seeds)
    top = [label(""), *(Cell(short(name), span=2) for name in benchmarks)]
    below = [*labels("right answers, %"), *labels("paper", "measured [95 %]") * len(benchmarks)]
    if has_owleval:
        top.append(Cell("OwlEval", span=2))
        below += labels("paper", "measured")
    top.append(label("seeds" if in_parts else ""))
    below.append(label("/".join(map(short, benchmarks)) if in_parts else "seeds"))
    lines = []
    for row, cell in zip(rows, seeds, strict=True):
        is_reported = cell == NOT_RUN
        line = [Cell(row.label, "reported" if is_reported else "label")]
        for name in benchmarks:
            line.append(_paper_cell(row, name, is_reported=is_reported))
            line.append(_share_cell(row.evaluated(name), name))
        if has_owleval:
            line += _owleval_cells(row, wins or Wins({}), is_reported=is_reported)
        lines.append((*line, Cell(cell, "note")))
    lines += _without_pictures(
        rows[0], benchmarks, visions, has_always_yes=has_always_yes, has_owleval=has_owleval
    )
    return Grid((tuple(top), tuple(below)), tuple(lines))


def _without_pictures(
    base: Row,
    benchmarks: Sequence[str],
    visions: Sequence[str],
    *,
    has_always_yes: bool,
    has_owleval: bool,
) -> list[tuple[Cell, ...]]:
    """What the base reaches without its pictures, and what needs no model at all."""
    found = {name: share(base.evaluated(name), name) for name in benchmarks}
    tail = (nothing("paper"), nothing(), label("")) if has_owleval else (label(""),)

    def line(text: str, values: Mapping[str, float | None]) -> tuple[Cell, ...]:
        cells = [label(text)]
        for name in benchmarks:
            runs = base.evaluated(name).values()
            value = values[name]
            cells.append(nothing("paper"))
            cells.append(measured(percent_text(value), runs, name, value=_percent(value)))
        return (*cells, *tail)

    lines = []
    for vision in visions:
        values = {n: None if s is None else s.without_vision.get(vision) for n, s in found.items()}
        if vision == SWAPPED or any(value is not None for value in values.values()):
            lines.append(line(f"{base.label}, {VISION_WORDS[vision]}", values))
    values = {n: None if s is None else s.majority for n, s in found.items()}
    lines.append(line("most frequent answer", values))
    if has_always_yes:
        values = {n: None if s is None else s.always_yes for n, s in found.items()}
        lines.append(line("always yes", values))
    return lines


def differences_grid(base: Row, others: Sequence[Row], benchmarks: Sequence[str]) -> Grid:
    """A line for each row and benchmark: the paper's difference to the base in points, the measured
    one, paired by question, its interval over seeds where there are several, and the verdict."""
    found = {(row.label, name): compared(base, row, name) for row in others for name in benchmarks}
    overall = {key: None if one is None else one.categories[OVERALL] for key, one in found.items()}
    has_seeds = any(one is not None and one.seed_interval is not None for one in overall.values())
    header = [f"difference to {base.label}, points", "paper", "measured [95 %]"]
    header += [*(["over seeds"] if has_seeds else []), "verdict"]
    lines = []
    for row in others:
        for name in benchmarks:
            both, delta = overall[row.label, name], paper_delta(base.paper, row.paper, name)
            text = f"{row.label}, {short(name)} {odd_seeds_text(base, row, name)}".rstrip()
            is_reported = not row.evaluated(name)
            line = [
                Cell(text, "reported" if is_reported else "label"),
                paper(
                    NOTHING if delta is None else f"{delta:+.2f}", delta, is_reported=is_reported
                ),
            ]
            runs = paired_runs(base, row, name)
            line.append(
                measured(difference_text(both), runs, name, kind="delta", **difference_value(both))
            )
            if has_seeds:
                line.append(measured(seed_interval_text(both), runs, name, kind="delta"))
            word = _verdict_text(delta, both, base, row, name)
            lines.append((*line, measured(word, runs, name, kind="verdict")))
    return Grid((labels(*header),), tuple(lines))


def paired_runs(base: Row, row: Row, benchmark: str) -> list[RunDir]:
    """The runs that a difference of the two rows rests on."""
    seeds = common_seeds(base, row, benchmark)
    return [one.runs[seed] for seed in seeds for one in (base, row)]


def difference_value(both: Paired | None) -> dict[str, float]:
    """value, low and high of a difference's cell, in points."""
    if both is None:
        return {}
    interval = both.difference.interval
    figures = (both.difference.value, interval.low, interval.high)
    return dict(zip(("value", "low", "high"), (100 * one for one in figures), strict=True))


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
    return NOTHING if value is None else f"{100 * value:.1f}"


def difference_text(both: Paired | None) -> str:
    """A difference in points with its interval over questions, "-" for none."""
    if both is None:
        return NOTHING
    return f"{100 * both.difference.value:+.1f} {_interval_text(both.difference.interval)}"


def seed_interval_text(both: Paired | None) -> str:
    """The interval over seeds in points, "-" for none."""
    if both is None or both.seed_interval is None:
        return NOTHING
    return _interval_text(both.seed_interval)


def _verdict_text(
    delta: float | None, both: Paired | None, base: Row, row: Row, benchmark: str
) -> str:
    word = verdict(delta, both)
    if both is None or word == NOTHING:
        return word
    star = "*" if differs_in_plug_and_play(base, row, benchmark) else ""
    note = f" {ONE_SEED}" if both.num_seeds == 1 and word != "undecided" else ""
    return f"{word}{star}{note}"


def _paper_cell(row: Row, benchmark: str, *, is_reported: bool) -> Cell:
    percent = row.paper.percent(benchmark)
    return paper(row.paper.printed(benchmark), percent, is_reported=is_reported)


def _share_cell(runs: Runs, benchmark: str) -> Cell:
    pooled = share(runs, benchmark)
    if pooled is None:
        return nothing()
    low, high = pooled.interval.low, pooled.interval.high
    return measured(
        f"{100 * pooled.accuracy:.1f} [{100 * low:.1f}, {100 * high:.1f}]",
        runs.values(),
        benchmark,
        value=100 * pooled.accuracy,
        low=100 * low,
        high=100 * high,
    )


def _owleval_cells(row: Row, wins: Wins, *, is_reported: bool) -> list[Cell]:
    win = row.paper.owleval_win
    text = NOTHING if win is None else f"{win}/{OWLEVAL_QUESTIONS}"
    return [paper(text, win, is_reported=is_reported), wins.of(row.label)]


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _interval_text(interval: Interval) -> str:
    return f"[{100 * interval.low:+.1f}, {100 * interval.high:+.1f}]"
