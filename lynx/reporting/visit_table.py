"""Puts Table 3 (VisIT-Bench) beside what battles here say: a rating with its interval, then Elo."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from lynx.evaluation.head_to_head.schedule import REFERENCE
from lynx.evaluation.statistics import Interval
from lynx.reporting.battles_measured import Fought, fought
from lynx.reporting.grid import NOTHING, Cell, Document, Grid, label, labels, nothing, paper
from lynx.reporting.measured import Row
from lynx.reporting.model_tables import REPORTED
from lynx.reporting.notes import errata
from lynx.reporting.paper_facts import facts
from lynx.reporting.requests import Request, our_rows
from lynx.reporting.verdict import VERDICTS, direction

BENCHMARK = "visit_bench"
_CAPTION = (
    "rating: Bradley-Terry over all battles, mean 1000, 400 points are odds of ten; "
    "[95 % over instructions], which holds no training noise. Several seeds: their mean.",
    "Elo: the leaderboard's, one pass over the battles in one shuffled order; it depends on that "
    "order, and on who else fights, so that only differences can be held against the paper's.",
    "win: against the reference, ties left out of n. words: mean length of answers that fought.",
)
_NO_RATINGS = (
    "nothing measured: `lynx head-to-head visit_bench RUN RUN ...` judges evaluated runs pair by "
    "pair and writes {folder}/"
)


def visit_table(request: Request) -> Document:
    """Table 3; contestants that the paper has no row of stand below its rows."""
    found = fought(request.output_dir, request.scale_dir, BENCHMARK)
    rows = _rows(request, found)
    blocks: list[Grid | str] = [_grid(rows, found, request.seeds)]
    notes: tuple[str, ...] = (_NO_RATINGS.format(folder=request.scale_dir / "head_to_head"),)
    if found is not None:
        notes = _notes(found)
        base = our_rows(request)[0]
        blocks += [_differences(base, rows, found, request.seeds)]
    return Document(
        name="table_3",
        title=request.title,
        notes=notes,
        blocks=tuple(blocks),
        caption=(*_CAPTION, VERDICTS, REPORTED, *errata(3)),
        stale=tuple(found.stale_lines() if found else ()),
        judges=(found.judge,) if found else (),
    )


def _rows(request: Request, found: Fought | None) -> list[tuple[str, str, dict[str, Any]]]:
    """(label, variant that fought or "", facts of the paper) by row."""
    base, ours = our_rows(request)
    variants = {row.paper.name: row.variant for row in [base, *ours]}
    variants |= {m.paper_rows[3]: m.variant for m in request.others if 3 in m.paper_rows}
    variants[facts("visit_bench")["reference"]] = REFERENCE
    rows = [(one["row"], variants.get(one["row"], ""), one) for one in facts("visit_bench")["rows"]]
    known = {variant for _, variant, _ in rows}
    titles = {model.variant: model.title for model in request.others}
    fighting = dict.fromkeys(one["variant"] for one in found.models.values()) if found else {}
    return rows + [(titles.get(v, v), v, {}) for v in fighting if v not in known]


def _notes(found: Fought) -> tuple[str, ...]:
    judging, ratings = found.ratings["judging"], found.ratings
    kind = " (a string rule, not a language model)" if found.judge.startswith("rule:") else ""
    first, orders = judging["first_shown"], judging["orders_disagree"]
    share = NOTHING if first["share"] is None else f"{100 * first['share']:.1f} %"
    lines = [
        f"judge: {found.judge}{kind}; the paper: GPT-4; n = {ratings['num_instructions']} "
        f"instructions, {judging['num_battles']} battles in both orders; schedule "
        f"{ratings['schedule']}, tie rule {ratings['tie_rule']}",
        f"the answer shown first won {share} of {first['n']} decided verdicts; the orders disagree "
        f"in {orders['num']} of {orders['n']} battles; {judging['num_unparseable_verdicts']} of "
        f"{judging['num_verdicts']} replies were no verdict and count as ties",
    ]
    if ratings.get("protocol_differences"):
        lines.append(f"asked differently in: {', '.join(ratings['protocol_differences'])}")
    if not ratings["is_mle"]:
        lines.append("a model won or lost everything: an invented tie each keeps ratings finite")
    return tuple(lines)


def _grid(
    rows: Sequence[tuple[str, str, dict[str, Any]]],
    found: Fought | None,
    seeds: Sequence[int] | None,
) -> Grid:
    top = (label(""), Cell("paper", span=3), Cell("measured", span=6))
    header = labels(
        "VisIT-Bench", "Elo", "matches", "win, % (n)", "rating [95 %]", "seeds", "Elo", "matches",
        "win, % (n)", "words",
    )  # fmt: skip
    lines = []
    for name, variant, printed in rows:
        names = found.contestants(variant, seeds) if found and variant else []
        is_reported = not names
        first = Cell(name, "reported" if is_reported else "label")
        lines.append((first, *_paper_cells(printed, is_reported), *_measured_cells(found, names)))
    return Grid((top, header), tuple(lines), gap=1)


def _paper_cells(printed: dict[str, Any], is_reported: bool) -> list[Cell]:
    def cell(key: str, text: str | None = None) -> Cell:
        value = printed.get(key)
        if value is None:
            return paper(NOTHING, is_reported=is_reported)
        return paper(text or str(value), value, is_reported=is_reported)

    win = f"{printed['win']:.2f} ({printed['ratings']})" if "win" in printed else None
    return [cell("elo"), cell("matches"), cell("win", win)]


def _measured_cells(found: Fought | None, names: Sequence[str]) -> list[Cell]:
    if found is None or not names:
        return [nothing(), Cell(NOTHING, "note"), *[nothing()] * 4]
    models = [found.models[name] for name in names]
    own = found.estimate(names)
    seeds = ",".join(str(model["seed"]) for model in models if model["seed"] is not None)
    elo, words = (fmean(model[key] for model in models) for key in ("elo", "mean_words"))
    matches = sum(model["num_matches"] for model in models)
    return [
        found.cell(
            f"{own.value:.0f} [{own.low:.0f}, {own.high:.0f}]", names,
            value=own.value, low=own.low, high=own.high,
        ),
        Cell(seeds or NOTHING, "note"),
        found.cell(f"{elo:.0f}", names, value=elo),
        found.cell(str(matches), names, value=matches),
        _win_cell(found, names),
        found.cell(f"{words:.1f}", names, value=words),
    ]  # fmt: skip


def _win_cell(found: Fought, names: Sequence[str]) -> Cell:
    shares = [found.models[name]["win_vs_reference"] for name in names]
    ratings = sum(found.models[name]["num_ratings"] for name in names)
    if any(share is None for share in shares):
        return nothing()
    share = 100 * fmean(shares)
    return found.cell(f"{share:.2f} ({ratings})", names, value=share)


def _differences(
    base: Row,
    rows: Sequence[tuple[str, str, dict[str, Any]]],
    found: Fought,
    seeds: Sequence[int] | None,
) -> Grid:
    """Ratings less the base's, and the paper's Elo less its base's: only directions compare."""
    ours = found.contestants(base.variant, seeds)
    elo_of = {name: printed.get("elo") for name, _, printed in rows}
    lines = []
    for name, variant, _ in rows:
        names = found.contestants(variant, seeds) if variant else []
        if not (ours and names) or variant == base.variant:
            continue
        before, after = elo_of.get(base.label), elo_of[name]
        delta = None if before is None or after is None else float(after - before)
        both = found.difference(names, ours)
        word = NOTHING
        if delta is not None:
            word = direction(delta, both.value, [Interval(both.low, both.high)])
        about = [*names, *ours]
        lines.append(
            (
                label(name),
                paper(NOTHING if delta is None else f"{delta:+.0f}", delta),
                found.cell(
                    f"{both.value:+.0f} [{both.low:+.0f}, {both.high:+.0f}]", about, kind="delta",
                    value=both.value, low=both.low, high=both.high,
                ),
                found.cell(word, about, kind="verdict"),
            )
        )  # fmt: skip
    header = labels(f"difference to {base.label}", "paper, Elo", "rating [95 %]", "verdict")
    return Grid((header,), tuple(lines))
