"""Prints whether runs look at the pictures, and what plug-and-play owes to its description."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from statistics import fmean

from lynx.evaluation.compare import OVERALL, Paired, compare_seeds
from lynx.evaluation.comparing.lengths import at_equal_length
from lynx.evaluation.comparing.looking import looking_seeds
from lynx.evaluation.results import ResultFiles
from lynx.evaluation.statistics import holm
from lynx.reporting.cells import difference_cell, fitted, p_text
from lynx.reporting.comparison_groups import Group, paired_runs
from lynx.reporting.comparison_parts import results_of
from lynx.reporting.text import WIDTH
from lynx.reporting.verdict import is_decided

NONE, OWN, ANOTHER, CAPTION = "none", "own", "another", "caption"
# From one kind of description to another, and what alone differs between them.
_CONTRASTS = (
    (NONE, ANOTHER, "context and length"),
    (ANOTHER, OWN, "content"),
    (OWN, CAPTION, "truth"),
    (ANOTHER, CAPTION, "true content"),
    (NONE, OWN, "plug-and-play"),
)


def looking_text(groups: Sequence[Group], benchmark: str) -> str:
    """What the pictures add, by variant and by what stood in for them; "" where nobody was asked.

    Categories with a question mark: no more than noise there (Holm over the categories).
    """
    lines: list[str] = []
    for group in groups:
        for vision, found in looking_seeds(list(group.runs.values()), benchmark).items():
            both = found[OVERALL]
            gain = difference_cell(both.difference.value, both.difference.interval)
            lines.append(f"  {group.label}, {vision}: {gain}")
            lines += textwrap.wrap(
                ", ".join(_category_cells(found)), WIDTH, initial_indent=" " * 4,
                subsequent_indent=" " * 4,
            )  # fmt: skip
    if not lines:
        return ""
    title = "is it looking? right answers with the pictures minus those without, points [95 %]"
    if any("?" in line for line in lines):
        lines.append("  ?: no more than noise (Holm over the categories of the line)")
    return "\n".join([title, *lines])


def audit_text(groups: Sequence[Group], benchmark: str) -> str:
    """Plug-and-play taken apart, where groups had descriptions of different origin; else ""."""
    by_source = {source: group for group in groups if (source := _source(group, benchmark))}
    contrasts = [
        (before, after, what)
        for before, after, what in _CONTRASTS
        if before in by_source and after in by_source
    ]
    if not {ANOTHER, CAPTION} & by_source.keys() or not contrasts:
        return ""
    pairs = [paired_runs(by_source[before], by_source[after]) for before, after, _ in contrasts]
    found = [compare_seeds(pair, benchmark).categories[OVERALL] for pair in pairs]
    corrected = holm([both.decisive_p for both in found])
    lines = [["description", "difference [95 %]", "at equal length", "Holm", "verdict", "tells of"]]
    for (before, after, what), pair, both, p in zip(
        contrasts, pairs, found, corrected, strict=True
    ):
        fixed = at_equal_length(results_of(pair, benchmark))
        lines.append([
            f"{before} -> {after}",
            difference_cell(both.difference.value, both.difference.interval),
            "-" if fixed is None
            else difference_cell(fixed.difference.value, fixed.difference.interval),
            p_text(p),
            "differ" if p < 0.05 and is_decided(both) else "undecided",
            what,
        ])  # fmt: skip
    words = {source: _description_words(group, benchmark) for source, group in by_source.items()}
    said = ", ".join(f"{source} {mean:.1f}" for source, mean in words.items() if mean is not None)
    return "\n".join([
        f"plug-and-play taken apart, {benchmark}",
        fitted(lines, left=(0, 5)),
        f"mean words of the description: {said}",
    ])  # fmt: skip


def _category_cells(found: Mapping[str, Paired]) -> list[str]:
    names = [name for name in found if name != OVERALL]
    corrected = holm([found[name].decisive_p for name in names])
    return [
        f"{name} {100 * found[name].difference.value:+.1f}{'' if p < 0.05 else '?'}"
        for name, p in zip(names, corrected, strict=True)
    ]


def _source(group: Group, benchmark: str) -> str | None:
    """Whose description came first; None where the group was not asked."""
    protocol = ResultFiles(group.first.eval_dir(benchmark)).protocol()
    if protocol is None:
        return None
    described = protocol.get("plug_and_play")
    return NONE if described is None else str(described.get("source", OWN))


def _description_words(group: Group, benchmark: str) -> float | None:
    words = [
        len(one.description.split())
        for run in group.runs.values()
        for one in ResultFiles(run.eval_dir(benchmark)).predictions()
        if one.description is not None
    ]
    return fmean(words) if words else None
