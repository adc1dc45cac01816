"""Finds who makes which of the paper's tables, and prints one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from lynx.config.errors import LynxError
from lynx.config.paths import from_root
from lynx.reporting.ablation_tables import ablation_document, ablation_report, ablation_table
from lynx.reporting.data_tables import prompts_table, recipes_table
from lynx.reporting.grid import Document
from lynx.reporting.mme_tables import mme_table
from lynx.reporting.model_tables import model_table
from lynx.reporting.owleval_table import owleval_table
from lynx.reporting.renderers.terminal import terminal_text
from lynx.reporting.requests import OtherModel, Request
from lynx.reporting.visit_table import visit_table

__all__ = ["TABLES", "ablation_document", "ablation_report", "table", "table_document"]

TABLES: dict[int, Callable[[Request], Document]] = {
    1: model_table,
    2: model_table,
    3: visit_table,
    4: owleval_table,
    5: ablation_table,
    6: mme_table,
    7: ablation_table,
    10: mme_table,
    11: mme_table,
    12: recipes_table,
    13: prompts_table,
}


def table_document(
    number: int,
    *,
    scale: str,
    output_dir: str | Path,
    seeds: Sequence[int] | None = None,
    others: Sequence[OtherModel] = (),
) -> Document:
    """A table of the paper beside what the runs in `<output_dir>/<scale>/` measured.

    seeds: those to pool; None takes all that were run. others: models that aren't ours and may have
    been run. A row without runs says so. Raises LynxError for a table that there isn't, where rows
    were judged by different judges, and where runs differ in more than their ablation's diff.
    """
    request = Request(
        number, scale, from_root(output_dir), None if seeds is None else tuple(seeds), tuple(others)
    )
    return maker(number)(request)


def table(
    number: int, *, scale: str, output_dir: str | Path, seeds: Sequence[int] | None = None
) -> str:
    """The table as a terminal shows it, of our own models; see `table_document`."""
    document = table_document(number, scale=scale, output_dir=output_dir, seeds=seeds)
    return terminal_text(document)


def maker(number: int) -> Callable[[Request], Document]:
    """Who makes the table; LynxError where there is none of that number."""
    if number not in TABLES:
        raise LynxError(
            f"there is no table {number} to make; there are: {', '.join(map(str, TABLES))} "
            "(8 and 9 are settings: experiments/)"
        )
    return TABLES[number]
