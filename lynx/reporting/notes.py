"""Writes what stands above and below a table: who judged, what was asked differently, what marks
mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lynx.config.errors import LynxError
from lynx.evaluation.judges.rule import RuleJudge
from lynx.reporting.measured import (
    Row,
    compared,
    evaluated_folders,
    is_outdated,
    judges,
    plug_and_play,
    unparseable,
)
from lynx.reporting.one_factor import unexplained
from lynx.reporting.paper_facts import facts
from lynx.reporting.summary import ONE_SEED, counts_text, differs_in_plug_and_play, short
from lynx.tracking.run_dir import RunDir

CAPTION_LINES = (
    "measured: [95 % interval over questions, paired for differences]; holds no training noise.",
    "over seeds: 95 % interval of the seeds' differences, which is training noise.",
    f"agrees, opposite: each interval printed excludes 0; {ONE_SEED}: training noise is unknown.",
    "undecided: an interval contains 0, or the paper saw no change.",
)
CAPTION = "\n".join(CAPTION_LINES)
CATEGORY_CAPTION = (
    "Categories: intervals printed are of each alone; for the verdict they are widened for the\n"
    "number of categories (Bonferroni), so that chance does not decide one among many."
)
VIDEO = "open_vqa_video"
_WITH = {True: "with", False: "without"}


def heading(base: Row, others: Sequence[Row], benchmarks: Sequence[str]) -> tuple[str, ...]:
    """What stands above a table of right answers: counts, the judge, and what to beware of."""
    rows = [base, *others]
    unread = sum(unparseable(row.evaluated(name), name) for row in rows for name in benchmarks)
    lines = [f"judge: {judge_text(rows, benchmarks)}; {counts_text(rows, benchmarks)}"]
    lines += [f"{unread} verdicts were neither yes nor no and count as wrong"] if unread else []
    lines += outdated_lines(run for row in rows for run in row.runs.values())
    lines += [
        f"{row.label}, {short(name)}: asked differently from {base.label} in {', '.join(keys)}, "
        "which is not in its diff"
        for row in others
        for name in benchmarks
        if (found := compared(base, row, name)) and (keys := unexplained(found, row.ablation))
    ]
    lines += _video_note(base, others) if VIDEO in base.paper.plug_and_play else []
    return tuple(lines)


def judge_text(rows: Sequence[Row], benchmarks: Sequence[str]) -> str:
    """Who decided, and what kind of judge that is."""
    judge = judge_of(rows, benchmarks)
    is_rule = judge == RuleJudge.name
    return judge + (" (a string rule, not a language model; the paper: GPT-4)" if is_rule else "")


def errata(table: int) -> tuple[str, ...]:
    """What the paper has wrong in a table, or leaves open; one line each."""
    lines: list[str] = facts("errata").get(table, [])
    return tuple(f"About the paper: {line}" for line in lines)


def outdated_lines(runs: Iterable[RunDir]) -> list[str]:
    """A line for each evaluation of weights that the run's folder no longer holds."""
    return [
        f"{run.path}: {name} counts as not evaluated, as other weights answered than those now in "
        "the folder; run 'lynx evaluate' on that run again"
        for run in runs
        for name in evaluated_folders(run)
        if is_outdated(run, name)
    ]


def judge_of(rows: Sequence[Row], benchmarks: Sequence[str]) -> str:
    """The one judge of all rows; raises LynxError where there are several."""
    names = {
        judge for row in rows for name in benchmarks for judge in judges(row.evaluated(name), name)
    }
    if len(names) > 1:
        raise LynxError(
            f"rows were judged by {' and by '.join(sorted(names))}, not comparable: "
            "evaluate all runs with one evaluation.judge.name"
        )
    return next(iter(names), "none yet")


def _video_note(base: Row, others: Sequence[Row]) -> list[str]:
    """Which side of Table 2 the paper's video column is, which one was measured, and the mark."""
    asked = {
        row.label: " and ".join(_WITH[one] for one in plug_and_play(row.evaluated(VIDEO), VIDEO))
        for row in [base, *others]
    }
    words = {label: word for label, word in asked.items() if word}
    here = ", ".join(f"{word} ({label})" for label, word in words.items()) or "nothing yet"
    if len(set(words.values())) == 1:
        here = next(iter(words.values()))
    mark = any(
        differs_in_plug_and_play(base, row, VIDEO) for row in others if compared(base, row, VIDEO)
    )
    return [
        "The paper's video column here is with plug-and-play (Table 2: 57.43 without, 66.22 with);"
        f"\nmeasured here: {here}." + (" * marks verdicts across the two." if mark else ""),
    ]
