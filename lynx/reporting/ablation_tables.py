"""Puts Tables 5 and 7, and the report of one ablation, beside what the runs on disk measured."""

from __future__ import annotations

from collections.abc import Sequence

from lynx.config.ablation import load_ablation
from lynx.config.errors import LynxError
from lynx.evaluation.compare import compare_seeds
from lynx.reporting.by_category import by_category_grid
from lynx.reporting.comparison import pairs_text
from lynx.reporting.cost import cost_text
from lynx.reporting.grid import Document, Grid
from lynx.reporting.lengths import lengths_grid
from lynx.reporting.measured import Row, Runs, benchmarks_of, is_judged
from lynx.reporting.mme_grids import mme_grids
from lynx.reporting.notes import (
    CAPTION,
    CAPTION_LINES,
    CATEGORY_CAPTION,
    errata,
    heading,
    judge_of,
    outdated_lines,
)
from lynx.reporting.one_factor import changes_text, check_one_factor
from lynx.reporting.owleval_wins import owleval_wins
from lynx.reporting.paper_facts import PaperRow, base_row, paper_row, totals
from lynx.reporting.renderers.terminal import terminal_text
from lynx.reporting.requests import Request, all_runs, our_rows
from lynx.reporting.stale import stale_reasons, unknown_reasons
from lynx.reporting.summary import differences_grid, shares_grid
from lynx.tracking.run_dir import RunDir

_ROWS_OF = {7: 5}  # Table 7 has the rows of Table 5
_MAIN_TABLE = 5  # whose base an ablation without a row of the paper is put beside
MME = "mme"


def ablation_table(request: Request) -> Document:
    """Table 5 or 7; a row without runs says so.

    Raises LynxError where rows were judged by different judges, and where runs differ in more than
    their ablation's diff.
    """
    base, others = our_rows(request, _ROWS_OF.get(request.number, request.number))
    benchmarks = list(base.paper.overall)
    check_one_factor(base, others, benchmarks)
    notes = heading(base, others, benchmarks)
    caption: tuple[str, ...] = CAPTION_LINES
    blocks: list[Grid | str]
    if request.number == 7:
        blocks = [by_category_grid(base, others, name) for name in benchmarks]
        caption = (*CAPTION_LINES, CATEGORY_CAPTION)
    else:
        wins, lines = owleval_wins(request, base, others)
        blocks = [shares_grid([base, *others], benchmarks, wins=wins)]
        blocks += [differences_grid(base, others, benchmarks)]
        notes = (*notes, *lines)
    return _document(request.title, base, others, benchmarks, notes, blocks, caption)


def _document(
    title: str,
    base: Row,
    others: Sequence[Row],
    benchmarks: Sequence[str],
    notes: Sequence[str],
    blocks: Sequence[Grid | str],
    caption: Sequence[str],
) -> Document:
    runs = all_runs([base, *others])
    number = title.split(",")[0].removeprefix("Table ")
    return Document(
        name=f"table_{number}",
        title=title,
        notes=tuple(notes),
        blocks=tuple(blocks),
        caption=(*caption, *errata(int(number))),
        stale=tuple(stale_reasons(runs, benchmarks)),
        unknown=tuple(unknown_reasons(runs, benchmarks)),
        judges=(judge_of([base, *others], benchmarks),),
    )


def ablation_report(base_runs: Sequence[RunDir], ablation_runs: Sequence[RunDir]) -> str:
    """What changed, the ablation's row and the base's as their table prints them, then by category,
    and what it cost.

    Evaluated runs of the two variants at the same scale and seeds; the ablation is the one that
    the second runs' folder names.
    """
    document = ablation_document(base_runs, ablation_runs)
    return terminal_text(document)


def ablation_document(base_runs: Sequence[RunDir], ablation_runs: Sequence[RunDir]) -> Document:
    """The report of an ablation as a document; see `ablation_report`."""
    ablation = load_ablation(ablation_runs[0].path.parent.name.partition("+")[0])
    number = int(ablation.paper.get("table", _MAIN_TABLE))
    facts = PaperRow(ablation.name, {}, {}, None)
    if ablation.paper:
        facts = paper_row(number, str(ablation.paper["row"]))
    base = Row(base_row(number).name, base_row(number), _by_seed(base_runs), variant=ablation.base)
    other = Row(facts.name, facts, _by_seed(ablation_runs), ablation, ablation.name)
    runs = [*base_runs, *ablation_runs]
    everything = _common_benchmarks(runs)
    benchmarks = [name for name in everything if totals(name)]
    check_one_factor(base, [other], everything)
    where = f"Table {number}" if ablation.paper else "no row of the paper"
    title = "\n".join(
        [f"{ablation.name} ({where}): {ablation.question}", *heading(base, [other], benchmarks)]
    )
    blocks: list[Grid | str] = [
        f"{ablation.name} changes:\n{changes_text(base_runs[0], ablation_runs[0])}",
    ]
    if not benchmarks:
        blocks.append(title)
    else:
        request = Request(number, base_runs[0].path.parents[1].name, base_runs[0].path.parents[2],
                          tuple(base.runs))  # fmt: skip
        wins, lines = owleval_wins(request, base, [other])
        blocks += [
            "\n".join([title, *lines]),
            shares_grid([base, other], benchmarks, wins=wins),
            differences_grid(base, [other], benchmarks),
            CAPTION,
        ]
    judged = [name for name in everything if is_judged(runs, name)]
    for name in judged:
        comparison = compare_seeds(list(zip(base_runs, ablation_runs, strict=True)), name)
        if name == MME:
            blocks += mme_grids([base, other])
        else:
            blocks.append(by_category_grid(base, [other], name))
        blocks.append(f"{name}, from {base.label} to {other.label}\n{pairs_text(comparison)}")
    blocks += [CATEGORY_CAPTION, lengths_grid([base, other], everything), cost_text(runs)]
    return Document(
        name=ablation.name,
        title="",
        notes=(),
        blocks=tuple(blocks),
        stale=tuple(stale_reasons(runs, everything)),
        unknown=tuple(unknown_reasons(runs, everything)),
        judges=(judge_of([base, other], benchmarks),),
    )


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


def _by_seed(runs: Sequence[RunDir]) -> Runs:
    return {int(run.path.name.removeprefix("seed")): run for run in runs}
