"""Puts the paper's tables beside what the runs on disk measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lynx.config.ablation import Ablation, list_ablations, load_ablation
from lynx.config.errors import LynxError
from lynx.config.paths import from_root
from lynx.evaluation.compare import compare_seeds
from lynx.reporting.by_category import by_category_text
from lynx.reporting.comparison import pairs_text
from lynx.reporting.cost import cost_text
from lynx.reporting.measured import Row, Runs, benchmarks_of, find_runs, mean_words
from lynx.reporting.notes import CAPTION, CATEGORY_CAPTION, outdated_lines, title
from lynx.reporting.one_factor import changes_text, check_one_factor
from lynx.reporting.paper_facts import base_row, paper_row, row_names, totals
from lynx.reporting.summary import differences_text, shares_text
from lynx.reporting.text import aligned
from lynx.tracking.run_dir import RunDir

TABLES = (2, 5, 7)
_ROWS_OF = {7: 5}  # Table 7 has the rows of Table 5


def table(
    number: int, *, scale: str, output_dir: str | Path, seeds: Sequence[int] | None = None
) -> str:
    """Table 2, 5 or 7 of the paper beside the runs in `<output_dir>/<scale>/`.

    seeds: those to pool; None takes all that were run. A row without runs says so. Raises LynxError
    for another table, where rows were judged by different judges, and where runs differ in more
    than their ablation's diff.
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
        _ablation_row(rows_of, ablations[name], find_runs(scale_dir, ablations[name].name, seeds))
        for name in row_names(rows_of)
        if name in ablations
    ]
    benchmarks = list(base.paper.overall)
    check_one_factor(base, others, benchmarks)
    parts = [title(f"Table {number}, scale {scale}", base, others, benchmarks)]
    if number == 7:
        parts += [by_category_text(base, others, name) for name in benchmarks]
        return "\n\n".join([*parts, f"{CAPTION}\n{CATEGORY_CAPTION}"])
    return "\n\n".join([*parts, *_summary(base, others, benchmarks), CAPTION])


def ablation_report(base_runs: Sequence[RunDir], ablation_runs: Sequence[RunDir]) -> str:
    """What changed, the ablation's row and the base's as their table prints them, then by category,
    and what it cost.

    Evaluated runs of the two variants at the same scale and seeds; the ablation is the one that
    the second runs' folder names.
    """
    ablation = load_ablation(ablation_runs[0].path.parent.name.partition("+")[0])
    number = int(ablation.paper["table"])
    base = Row(base_row(number).name, base_row(number), _by_seed(base_runs))
    other = _ablation_row(number, ablation, _by_seed(ablation_runs))
    benchmarks = _common_benchmarks([*base_runs, *ablation_runs])
    check_one_factor(base, [other], benchmarks)
    question = f"{ablation.name} (Table {number}): {ablation.question}"
    parts = [
        f"{ablation.name} changes:\n{changes_text(base_runs[0], ablation_runs[0])}",
        title(question, base, [other], benchmarks),
        *_summary(base, [other], benchmarks),
        CAPTION,
    ]
    for name in benchmarks:
        comparison = compare_seeds(list(zip(base_runs, ablation_runs, strict=True)), name)
        parts.append(by_category_text(base, [other], name))
        parts.append(f"{name}, from {base.label} to {other.label}\n{pairs_text(comparison)}")
    words = _mean_words([base, other], benchmarks)
    return "\n\n".join([*parts, CATEGORY_CAPTION, words, cost_text([*base_runs, *ablation_runs])])


def _ablation_row(number: int, ablation: Ablation, runs: Runs) -> Row:
    facts = paper_row(number, str(ablation.paper["row"]))
    return Row(facts.name, facts, runs, ablation)


def _common_benchmarks(runs: Sequence[RunDir]) -> list[str]:
    """Benchmarks on which all runs have been evaluated, those of the paper first."""
    common = set.intersection(*(set(benchmarks_of(run)) for run in runs))
    if not common:
        raise LynxError(
            "\n".join([
                f"{', '.join(str(run.path) for run in runs)}: no benchmark on which all have been "
                "evaluated; run 'lynx evaluate' on each first",
                *outdated_lines(runs),
            ])
        )  # fmt: skip
    return sorted(common, key=lambda name: (not totals(name), name))


def _summary(base: Row, others: Sequence[Row], benchmarks: Sequence[str]) -> list[str]:
    return [
        shares_text([base, *others], benchmarks),
        differences_text(base, others, benchmarks),
    ]


def _ablations_by_row(number: int) -> dict[str, Ablation]:
    return {
        str(ablation.paper["row"]): ablation
        for ablation in list_ablations()
        if ablation.paper.get("table") == number
    }


def _mean_words(rows: Sequence[Row], benchmarks: Sequence[str]) -> str:
    lines = [["mean words of an answer", *benchmarks]]
    for row in rows:
        words = [mean_words(row.evaluated(name), name) for name in benchmarks]
        lines.append([row.label, *(f"{mean:.1f}" for mean in words)])
    return aligned(lines)


def _by_seed(runs: Sequence[RunDir]) -> dict[int, RunDir]:
    return {int(run.path.name.removeprefix("seed")): run for run in runs}
