"""What is asked for when a table is wanted, and the rows that answer it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lynx.config.ablation import list_ablations
from lynx.reporting.measured import Row, Runs, find_runs
from lynx.reporting.paper_facts import PaperRow, base_row, paper_row, row_names
from lynx.tracking.run_dir import RunDir

EXPERIMENT = "lynx"  # "Ours" of tables that have no ablation


@dataclass(frozen=True)
class OtherModel:
    """A model that isn't ours and may have been evaluated under our protocol.

    variant: the folder of its runs. title: as tables print it. paper_rows: the row that the paper
    has of it, by number of the table. note: which model that row is, as far as is known.
    """

    variant: str
    title: str
    paper_rows: Mapping[int, str] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Request:
    """A table of the paper over the runs in `<output_dir>/<scale>/`; seeds None: all there are."""

    number: int
    scale: str
    output_dir: Path
    seeds: tuple[int, ...] | None = None
    others: tuple[OtherModel, ...] = ()

    @property
    def scale_dir(self) -> Path:
        """The folder of the scale's runs."""
        return self.output_dir / self.scale

    @property
    def title(self) -> str:
        """What stands first."""
        return f"Table {self.number}, scale {self.scale}"

    def runs_of(self, variant: str) -> Runs:
        """The variant's runs at the seeds that are asked for."""
        return find_runs(self.scale_dir, variant, self.seeds)


def our_rows(request: Request, table: int | None = None) -> tuple[Row, list[Row]]:
    """The base and the ablations that answer rows of the table, in the paper's order.

    table: whose rows, where it isn't the request's own.
    """
    number = request.number if table is None else table
    by_row = {
        str(place["row"]): ablation
        for ablation in list_ablations()
        for place in ablation.paper_rows
        if place["table"] == number
    }
    bases = dict.fromkeys(ablation.base for ablation in by_row.values())
    base_name = next(iter(bases), EXPERIMENT)
    facts = base_row(number)
    base = Row(facts.name, facts, request.runs_of(base_name), variant=base_name)
    others = [
        Row(
            name, paper_row(number, name), request.runs_of(by_row[name].name),
            ablation=by_row[name], variant=by_row[name].name,
        )
        for name in row_names(number)
        if name in by_row
    ]  # fmt: skip
    return base, others


def other_rows(request: Request, ours: Iterable[Row]) -> list[Row]:
    """All other rows of the table in the paper's order, with the runs of models that were run here,
    and below them models that were run and have no row."""
    taken = {row.label for row in ours}
    rows: list[Row | None] = []
    for name in row_names(request.number):
        if name in taken:
            continue
        models = [one for one in request.others if one.paper_rows.get(request.number) == name]
        facts = paper_row(request.number, name)
        rows += [_other_row(request, facts, name, one) for one in models[:1]]
        rows += [] if models else [Row(name, facts, {}, is_ours=False)]
        rows += [_run_only(_other_row(request, facts, one.title, one)) for one in models[1:]]
    for model in request.others:
        if request.number not in model.paper_rows:
            nothing = PaperRow(model.title, {}, {}, None)
            rows.append(_run_only(_other_row(request, nothing, model.title, model)))
    return [row for row in rows if row is not None]


def all_runs(rows: Sequence[Row]) -> list[RunDir]:
    """Every run of the rows."""
    return [run for row in rows for run in row.runs.values()]


def _other_row(request: Request, facts: PaperRow, label: str, model: OtherModel) -> Row:
    return Row(label, facts, request.runs_of(model.variant), variant=model.variant, is_ours=False)


def _run_only(row: Row) -> Row | None:
    """A row that stands for its runs alone, and for nothing where there are none."""
    return row if row.runs else None
