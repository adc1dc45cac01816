"""Fills Table 5's OwlEval column: by people's ratings, else by a judge of pairs, else by none."""

from __future__ import annotations

from collections.abc import Sequence

from lynx.evaluation.statistics import mcnemar_exact
from lynx.reporting.battles_measured import Fought, fought
from lynx.reporting.grid import Cell
from lynx.reporting.measured import Row
from lynx.reporting.people_measured import People, people
from lynx.reporting.requests import Request
from lynx.reporting.summary import Wins

BENCHMARK = "owleval"


def owleval_wins(request: Request, base: Row, others: Sequence[Row]) -> tuple[Wins, list[str]]:
    """The column, and the lines that say who decided; both empty where nobody did.

    Several seeds are added up: each pairs the row's run with the base's of the same seed.
    """
    rated = people(request.output_dir, request.scale_dir)
    found = fought(request.output_dir, request.scale_dir, BENCHMARK)
    cells: dict[str, Cell] = {}
    lines: list[str] = []
    for row in others:
        told = _by_people(rated, base, row, request) or _by_battles(found, base, row, request)
        if told is not None:
            cells[row.label], line = told
            lines.append(line)
    return Wins(cells), lines


def _by_people(
    rated: People | None, base: Row, row: Row, request: Request
) -> tuple[Cell, str] | None:
    if rated is None:
        return None
    pairs = _same_seeds(
        rated.models(row.variant, request.seeds), rated.models(base.variant, request.seeds)
    )
    counts = [rated.wins(*pair) for pair in pairs]
    if not counts:
        return None
    won, lost = sum(one.num_wins for one in counts), sum(one.num_losses for one in counts)
    asked = sum(one.num_all for one in counts)
    cell = rated.cell(f"{won}/{asked}", value=won)
    return cell, _line(row, rated.judge, won, lost, asked, num_seeds=len(pairs))


def _by_battles(
    found: Fought | None, base: Row, row: Row, request: Request
) -> tuple[Cell, str] | None:
    if found is None:
        return None
    pairs = _same_seeds(
        found.contestants(row.variant, request.seeds),
        found.contestants(base.variant, request.seeds),
    )
    counts = [found.count(*pair) for pair in pairs]
    won, lost = sum(one.num_wins for one in counts), sum(one.num_losses for one in counts)
    asked = sum(one.num_all for one in counts)
    if not asked:
        return None
    names = [name for pair in pairs for name in pair]
    cell = found.cell(f"{won}/{asked}", names, value=won)
    return cell, _line(row, found.judge, won, lost, asked, num_seeds=len(pairs))


def _same_seeds(names: Sequence[str], others: Sequence[str]) -> list[tuple[str, str]]:
    by_seed = {other.partition("/")[2]: other for other in others}
    return [(name, by_seed[seed]) for name in names if (seed := name.partition("/")[2]) in by_seed]


def _line(row: Row, judge: str, won: int, lost: int, asked: int, *, num_seeds: int) -> str:
    """Ties and the sign test; of several seeds, whose questions are the same, no p."""
    sign = f", sign test p = {mcnemar_exact(won, lost):.3f}" if num_seeds == 1 else ""
    seeds = "" if num_seeds == 1 else f" over {num_seeds} seeds"
    return (
        f"OwlEval, {row.label}: judge {judge}; won {won}, lost {lost}, {asked - won - lost} ties "
        f"of {asked}{seeds}{sign}"
    )
