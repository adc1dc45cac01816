"""Puts Tables 1 and 2, our model among others, beside what was measured here."""

from __future__ import annotations

from collections.abc import Sequence

from lynx.config.schema import VISIONS_WITHOUT
from lynx.reporting.by_category import by_category_grid
from lynx.reporting.grid import Document
from lynx.reporting.measured import Row
from lynx.reporting.notes import CAPTION_LINES, CATEGORY_CAPTION, errata, heading, judge_of
from lynx.reporting.one_factor import check_one_factor
from lynx.reporting.requests import Request, all_runs, other_rows, our_rows
from lynx.reporting.stale import stale_reasons, unknown_reasons
from lynx.reporting.summary import NOT_RUN, differences_grid, shares_grid

# By table: the benchmark, and whether its rows tell of plug-and-play.
_BENCHMARKS = {1: "open_vqa_image", 2: "open_vqa_video"}
REPORTED = (
    f"{NOT_RUN}: reported by the paper alone, from its own questions, judge and settings; such a "
    "row is no measurement of ours."
)
_WITHOUT = (
    "swapped, blank, no pictures: the same model asked without its own pictures; most frequent "
    "answer and always yes need no model."
)


def model_table(request: Request) -> Document:
    """Table 1 or 2: our variants, then other models in the paper's order.

    Raises LynxError where rows were judged by different judges or answered other questions.
    """
    benchmark = _BENCHMARKS[request.number]
    base, ours = our_rows(request)
    others = other_rows(request, [base, *ours])
    check_one_factor(base, ours, [benchmark])
    rows = [*ours, *others]
    shares = shares_grid([base, *rows], [benchmark], visions=VISIONS_WITHOUT, has_always_yes=True)
    runs = all_runs([base, *rows])
    return Document(
        name=f"table_{request.number}",
        title=request.title,
        notes=(*heading(base, rows, [benchmark]), *_ticks(base, rows, benchmark)),
        blocks=(
            shares,
            differences_grid(base, rows, [benchmark]),
            by_category_grid(
                base, rows, benchmark, visions=VISIONS_WITHOUT, has_always_yes=True
            ),
        ),
        caption=(
            *CAPTION_LINES, CATEGORY_CAPTION, REPORTED, _WITHOUT, *_model_notes(request, rows),
            *errata(request.number),
        ),
        stale=tuple(stale_reasons(runs, [benchmark])),
        unknown=tuple(unknown_reasons(runs, [benchmark])),
        judges=(judge_of([base, *rows], [benchmark]),),
    )  # fmt: skip


def _ticks(base: Row, rows: Sequence[Row], benchmark: str) -> list[str]:
    """Which of the paper's rows described the picture first, where some did."""
    described = [row.label for row in [base, *rows] if benchmark in row.paper.plug_and_play]
    if not described:
        return []
    return [f"with plug-and-play in the paper: {', '.join(described)}"]


def _model_notes(request: Request, rows: Sequence[Row]) -> list[str]:
    """What is known of which model a row of the paper is, for models that were run."""
    notes = {model.variant: model.note for model in request.others if model.note}
    run = [row for row in rows if row.runs and row.variant in notes]
    return [f"{row.label}: {notes[row.variant]}" for row in run]
