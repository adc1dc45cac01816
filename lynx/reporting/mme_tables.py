"""Puts Tables 6, 10 and 11 (MME) beside what was measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from lynx.evaluation.benchmarks.mme_scoring import ranks
from lynx.reporting import mme_facts
from lynx.reporting.evidence import measured
from lynx.reporting.grid import Cell, Document, Grid, label, labels, paper
from lynx.reporting.measured import Row
from lynx.reporting.mme_grids import MME_CAPTION, columns_grid, mme_grids
from lynx.reporting.mme_measured import MME, missing_tasks, mme_scores
from lynx.reporting.model_tables import REPORTED
from lynx.reporting.notes import errata, judge_of, outdated_lines
from lynx.reporting.one_factor import check_one_factor
from lynx.reporting.requests import Request, all_runs, other_rows, our_rows
from lynx.reporting.stale import stale_reasons, unknown_reasons
from lynx.reporting.verdict import VERDICTS

# Columns of Table 10 by their widest word, so that seven of them fit.
_SHORT = {"LLaMA-Adapter V2": "Adapter V2"}


def mme_table(request: Request) -> Document:
    """Table 6, 10 or 11; raises LynxError where rows were asked about other pictures."""
    base, ours = our_rows(request, 6 if request.number == 6 else None)
    others = [] if request.number == 6 else other_rows(request, [base, *ours])
    if request.number == 6:
        check_one_factor(base, ours, [MME])
    rows = [base, *ours, *others]
    blocks = _BLOCKS[request.number](rows)
    runs = all_runs(rows)
    return Document(
        name=f"table_{request.number}",
        title=request.title,
        notes=_notes(rows),
        blocks=tuple(blocks),
        caption=(*MME_CAPTION, VERDICTS, *([] if request.number == 6 else [REPORTED]),
                 *errata(request.number)),
        stale=tuple(stale_reasons(runs, [MME])),
        unknown=tuple(unknown_reasons(runs, [MME])),
        judges=(judge_of(rows, [MME]),),
    )  # fmt: skip


def _notes(rows: Sequence[Row]) -> tuple[str, ...]:
    runs = [row for row in rows if row.evaluated(MME)]
    if not runs:
        return ("mme: not measured; the paper's numbers alone",)
    images = {sum(one.num_images for name, one in mme_scores(row.evaluated(MME)).items()
                  if name in ("perception", "cognition")) for row in runs}  # fmt: skip
    sums = (mme_facts.PERCEPTION, mme_facts.COGNITION)
    release = sum(mme_facts.num_images(name) for name in sums)
    lines = [
        f"judge: {judge_of(rows, [MME])}, MME's own rule on raw answers; n = "
        f"{' or '.join(map(str, sorted(images)))} pictures with two questions each "
        f"(the release: {release})"
    ]
    for row in runs:
        if missing := missing_tasks(row.evaluated(MME)):
            lines.append(f"{row.label}: not asked, and in no sum: {', '.join(missing)}")
    return (*lines, *outdated_lines(all_runs(rows)))


def _cognition(rows: Sequence[Row]) -> list[Grid | str]:
    base, *others = rows
    columns = mme_facts.cognition_columns()
    return [columns_grid(base, others, columns, _of_table_6)]


def _of_table_6(row: Row, column: str) -> float | None:
    return mme_facts.cognition_scores(row.paper.name).get(column)


def _scores(rows: Sequence[Row]) -> list[Grid | str]:
    printed = _printed_grid(rows, "scores, as printed", mme_facts.scores, "{:.2f}")
    return [printed, *mme_grids(rows, _of_table_10)]


def _of_table_10(row: Row, line: str) -> float | None:
    return mme_facts.scores(line).get(row.paper.name)


def _ranks(rows: Sequence[Row]) -> list[Grid | str]:
    """Printed ranks follow from Table 10's scores; measured ones rank what was measured here."""
    printed = _printed_grid(
        rows, "ranks, as printed", lambda line: dict(ranks(mme_facts.scores(line))), "{:.0f}"
    )
    found = {row.label: row for row in rows if row.evaluated(MME)}
    if len(found) < 2:
        return [printed, "measured: ranks need two models that were run here"]
    scores = {name: mme_scores(row.evaluated(MME)) for name, row in found.items()}
    lines = []
    for line in mme_facts.lines():
        name = mme_facts.measured_name(line)
        if not all(name in one for one in scores.values()):
            continue
        own = ranks({model: one[name].score for model, one in scores.items()})
        cells = [
            measured(str(own[model]), row.evaluated(MME).values(), MME, value=own[model])
            for model, row in found.items()
        ]
        lines.append((label(line), *cells))
    header = labels("ranks among those measured", *found)
    return [printed, Grid((header,), tuple(lines))]


def _printed_grid(
    rows: Sequence[Row],
    corner: str,
    values_of: Callable[[str], Mapping[str, float]],
    form: str,
) -> Grid:
    """A column per model of the paper; those that were not run are reported."""
    measured_models = {row.paper.name for row in rows if row.evaluated(MME)}
    lines: list[tuple[Cell, ...]] = []
    for line in mme_facts.lines():
        values = values_of(line)
        cells = [
            paper(form.format(value), value, is_reported=model not in measured_models)
            for model, value in values.items()
        ]
        lines.append((label(line), *cells))
    names = [_SHORT.get(model, model) for model in mme_facts.models()]
    return Grid((labels(corner, *names),), tuple(lines))


_BLOCKS: Mapping[int, Callable[[Sequence[Row]], list[Grid | str]]] = {
    6: _cognition,
    10: _scores,
    11: _ranks,
}
