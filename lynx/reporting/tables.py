"""Puts the paper's tables beside what the runs on disk measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lynx.config.ablation import Ablation, list_ablations, load_ablation
from lynx.config.errors import LynxError
from lynx.config.paths import from_root
from lynx.evaluation.compare import compare_seeds
from lynx.evaluation.judges.rule import RuleJudge
from lynx.reporting.by_category import by_category_text
from lynx.reporting.comparison import pairs_text
from lynx.reporting.measured import Row, benchmarks_of, find_runs, judges, mean_words, unparseable
from lynx.reporting.paper_facts import base_row, paper_row, row_names, totals
from lynx.reporting.summary import counts_text, differences_text, shares_text
from lynx.reporting.text import aligned
from lynx.tracking.run_dir import RunDir

TABLES = (2, 5, 7)
_ROWS_OF = {7: 5}  # Table 7 has the rows of Table 5
_VIDEO_NOTE = (
    "The paper's video column here is with plug-and-play (Table 2: 57.43 without, 66.22 with)."
)


def table(
    number: int, *, scale: str, output_dir: str | Path, seeds: Sequence[int] | None = None
) -> str:
    """Table 2, 5 or 7 of the paper beside the runs in `<output_dir>/<scale>/`.

    seeds: those to pool; None takes all that were run. A row without runs says so. Raises LynxError
    for another table, and where rows were judged by different judges.
    """
    if number not in TABLES:
        raise LynxError(
            f"table {number} can't be rebuilt from runs; there are: {', '.join(map(str, TABLES))}"
        )
    rows_of = _ROWS_OF.get(number, number)
    scale_dir = from_root(output_dir) / scale
    ablations = _ablations_by_row(rows_of)
    base_name = next(iter(ablations.values())).base
    base = Row(base_row(rows_of).name, base_row(rows_of), find_runs(scale_dir, base_name, seeds))
    others = [
        Row(name, paper_row(rows_of, name), find_runs(scale_dir, ablations[name].name, seeds))
        for name in row_names(rows_of)
        if name in ablations
    ]
    benchmarks = list(base.paper.overall)
    title = [_title(f"Table {number}, scale {scale}", number, [base, *others], benchmarks)]
    if number == 7:
        return "\n\n".join(title + [by_category_text(base, others, name) for name in benchmarks])
    return "\n\n".join(title + _summary(base, others, benchmarks))


def ablation_report(base_runs: Sequence[RunDir], ablation_runs: Sequence[RunDir]) -> str:
    """The ablation's row and the base's, as their table prints them, then by category.

    Evaluated runs of the two variants at the same scale and seeds; the ablation is the one that
    the second runs' folder names.
    """
    ablation = load_ablation(ablation_runs[0].path.parent.name.partition("+")[0])
    number = int(ablation.paper["table"])
    facts = paper_row(number, str(ablation.paper["row"]))
    base = Row(base_row(number).name, base_row(number), _by_seed(base_runs))
    other = Row(facts.name, facts, _by_seed(ablation_runs))
    benchmarks = _common_benchmarks([*base_runs, *ablation_runs])
    question = f"{ablation.name} (Table {number}): {ablation.question}"
    parts = [
        _title(question, number, [base, other], benchmarks),
        *_summary(base, [other], benchmarks),
    ]
    for name in benchmarks:
        comparison = compare_seeds(list(zip(base_runs, ablation_runs, strict=True)), name)
        parts.append(by_category_text(base, [other], name))
        parts.append(f"{name}, from {base.label} to {other.label}\n{pairs_text(comparison)}")
    return "\n\n".join([*parts, _mean_words([base, other], benchmarks)])


def _common_benchmarks(runs: Sequence[RunDir]) -> list[str]:
    """Benchmarks on which all runs have been evaluated, those of the paper first."""
    common = set.intersection(*(set(benchmarks_of(run)) for run in runs))
    if not common:
        raise LynxError(
            f"{', '.join(str(run.path) for run in runs)}: no benchmark on which all have been "
            "evaluated; run 'lynx evaluate' on each first"
        )
    return sorted(common, key=lambda name: (not totals(name), name))


def _summary(base: Row, others: Sequence[Row], benchmarks: Sequence[str]) -> list[str]:
    return [
        shares_text([base, *others], benchmarks),
        differences_text(base, others, benchmarks),
        "Measured: [95 % interval over questions, paired for differences; training noise is not in "
        "it].\nundecided: the interval contains 0, or the paper saw no change.",
    ]


def _ablations_by_row(number: int) -> dict[str, Ablation]:
    return {
        str(ablation.paper["row"]): ablation
        for ablation in list_ablations()
        if ablation.paper.get("table") == number
    }


def _title(first: str, number: int, rows: Sequence[Row], benchmarks: Sequence[str]) -> str:
    """What stands above every table: counts, the judge, verdicts that could not be read."""
    names = {
        judge for row in rows for name in benchmarks for judge in judges(row.evaluated(name), name)
    }
    if len(names) > 1:
        raise LynxError(
            f"rows were judged by {' and by '.join(sorted(names))}, not comparable: "
            "evaluate all runs with one evaluation.judge.name"
        )
    judge = next(iter(names), "none yet")
    kind = (
        " (a string rule, not a language model; the paper: GPT-4)"
        if judge == RuleJudge.name
        else ""
    )
    unread = sum(unparseable(row.evaluated(name), name) for row in rows for name in benchmarks)
    lines = [first, f"judge: {judge}{kind}; {counts_text(rows, benchmarks)}"]
    lines += [f"{unread} verdicts were neither yes nor no and count as wrong"] if unread else []
    lines += [_VIDEO_NOTE] if _ROWS_OF.get(number, number) == 5 else []
    return "\n".join(lines)


def _mean_words(rows: Sequence[Row], benchmarks: Sequence[str]) -> str:
    lines = [["mean words of an answer", *benchmarks]]
    for row in rows:
        words = [mean_words(row.evaluated(name), name) for name in benchmarks]
        lines.append([row.label, *(f"{mean:.1f}" for mean in words)])
    return aligned(lines)


def _by_seed(runs: Sequence[RunDir]) -> dict[int, RunDir]:
    return {int(run.path.name.removeprefix("seed")): run for run in runs}
