"""Puts Table 4 (OwlEval, scores by people) beside people's ratings here."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from lynx.evaluation.people.statistics import MeanScore, Wins
from lynx.reporting.grid import NOTHING, Cell, Document, Grid, labels, nothing, paper
from lynx.reporting.measured import Row
from lynx.reporting.model_tables import REPORTED
from lynx.reporting.notes import errata
from lynx.reporting.paper_facts import PaperRow, facts
from lynx.reporting.people_measured import STORE, People, people
from lynx.reporting.requests import Request, other_rows, our_rows

_CAPTION = (
    "score: 1 to 5, mean over questions, a question's over its raters; [95 % over pictures], which "
    "says nothing of other raters.",
    "Scores depend on who is rated together: one stands for the order among the answers shown. "
    "Won, tied, lost: against the first row, by question.",
    "agrees, opposite: sign test (p < .05) and interval together; undecided: else, or the paper "
    "saw no change.",
)


def owleval_table(request: Request) -> Document:
    """Table 4; says how to rate where nobody has."""
    found = people(request.output_dir, request.scale_dir)
    base, ours = our_rows(request)
    rows = [base, *ours, *other_rows(request, [base, *ours])]
    rows += _further(request, rows, found)
    return Document(
        name="table_4",
        title=request.title,
        notes=_notes(request, found),
        blocks=(_grid(rows, found, request.seeds),),
        caption=(*_CAPTION, REPORTED, *errata(4)),
        judges=(found.judge,) if found else (),
    )


def _further(request: Request, rows: Sequence[Row], found: People | None) -> list[Row]:
    """Rated variants that the paper has no row of."""
    if found is None:
        return []
    known = {row.variant for row in rows}
    variants = dict.fromkeys(model.partition("/")[0] for model in found.ratings.models)
    return [Row(v, PaperRow(v, {}, {}, None), {}, variant=v) for v in variants if v not in known]


def _notes(request: Request, found: People | None) -> tuple[str, ...]:
    if found is None:
        return (
            f"no ratings yet: `lynx rate` serves a page for them ({request.scale_dir / STORE})",
        )
    ratings = found.ratings
    finished = sum(len(one) for one in ratings.scores.values())
    return (
        f"judge: {len(ratings.raters)} people, {finished} finished questions of "
        f"{len(ratings.clusters)} each, {len(ratings.models)} models rated together; the paper: "
        "people, their number not said",
    )


def _grid(rows: Sequence[Row], found: People | None, seeds: Sequence[int] | None) -> Grid:
    header = labels(
        "OwlEval, 1 to 5", "paper", "measured [95 %]", "n", "seeds", "paper diff", "diff",
        "won-tied-lost", "verdict",
    )  # fmt: skip
    base, lines = rows[0], []
    printed = facts("owleval")["rows"]
    ours = found.models(base.variant, seeds) if found else []
    for row in rows:
        names = found.models(row.variant, seeds) if found and row.variant else []
        score, own = printed.get(base.paper.name), printed.get(row.paper.name)
        delta = None if row is base or own is None or score is None else own - score
        is_reported = not names
        lines.append(
            (
                Cell(row.label, "reported" if is_reported else "label"),
                paper(NOTHING if own is None else f"{own:.2f}", own, is_reported=is_reported),
                *_mean_cells(found, names),
                paper(
                    NOTHING if delta is None else f"{delta:+.2f}", delta, is_reported=is_reported
                ),
                *_against(found, names, [] if row is base else ours, delta),
            )
        )
    return Grid((header,), tuple(lines))


def _mean_cells(found: People | None, names: Sequence[str]) -> list[Cell]:
    means = [found.means[name] for name in names] if found else []
    rated = [one for one in means if one.mean is not None]
    if found is None or not rated:
        return [nothing(), nothing(), Cell(NOTHING, "note")]
    value = fmean(one.mean or 0.0 for one in rated)
    seeds = ",".join(name.partition("/")[2].removeprefix("seed") for name in names)
    text, low, high = _mean_text(rated, value)
    return [
        found.cell(text, value=value, low=low, high=high),
        found.cell(str(rated[0].num_questions), value=rated[0].num_questions),
        Cell(seeds or NOTHING, "note"),
    ]


def _mean_text(rated: Sequence[MeanScore], value: float) -> tuple[str, float | None, float | None]:
    """The mean over seeds, and its interval: the mean of theirs, which is rather too wide."""
    intervals = [one.interval for one in rated if one.interval is not None]
    if len(intervals) < len(rated):
        return f"{value:.2f}", None, None
    low, high = fmean(i.low for i in intervals), fmean(i.high for i in intervals)
    return f"{value:.2f} [{low:.2f}, {high:.2f}]", low, high


def _against(
    found: People | None, names: Sequence[str], ours: Sequence[str], delta: float | None
) -> list[Cell]:
    """Difference of means, wins and verdict against the base, of the first seed of each."""
    if found is None or not names or not ours:
        return [nothing("delta"), nothing("delta"), nothing("verdict")]
    both = found.wins(names[0], ours[0])
    means = [found.means[name].mean for name in (names[0], ours[0])]
    if None in means or not both.num_all:
        return [nothing("delta"), nothing("delta"), nothing("verdict")]
    change = (means[0] or 0.0) - (means[1] or 0.0)
    return [
        found.cell(f"{change:+.2f}", kind="delta", value=change),
        found.cell(f"{both.num_wins}-{both.num_ties}-{both.num_losses}", kind="delta"),
        found.cell(_verdict(delta, both), kind="verdict"),
    ]


def _verdict(delta: float | None, both: Wins) -> str:
    if delta is None:
        return NOTHING
    if both.verdict == "undecided" or abs(delta) < 1e-6:
        return "undecided"
    return "agrees" if (both.verdict == "better") == (delta > 0) else "opposite"
