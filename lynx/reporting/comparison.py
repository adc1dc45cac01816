"""Prints two runs side by side: differences by category, and the questions that flipped."""

from __future__ import annotations

from collections.abc import Sequence

from lynx.config.errors import LynxError
from lynx.evaluation.compare import Comparison, Flip, compare
from lynx.reporting.measured import benchmarks_of
from lynx.reporting.notes import outdated_lines
from lynx.reporting.one_factor import changes_text
from lynx.reporting.paper_facts import OVERALL
from lynx.reporting.summary import difference_text, seed_interval_text
from lynx.reporting.text import WIDTH, aligned, shortened
from lynx.reporting.verdict import is_decided, side_by_side
from lynx.tracking.run_dir import RunDir


def comparison_text(base: RunDir, other: RunDir, *, num_flips: int = 12) -> str:
    """Compare two evaluated runs on every benchmark both have.

    num_flips: flips listed in each direction and benchmark (0: none); predictions.jsonl and
    verdicts.jsonl hold them all.
    """
    for run in (base, other):
        _check_is_run(run)
    outdated = outdated_lines((base, other))
    names = [name for name in benchmarks_of(base) if name in benchmarks_of(other)]
    if not names:
        raise LynxError(
            "\n".join([
                f"{base.path} and {other.path} have no benchmark in common: "
                "run 'lynx evaluate' on both first",
                *outdated,
            ])
        )  # fmt: skip
    title = [f"base:  {base.path}", f"other: {other.path}", *outdated]
    title += ["what differs in config.yaml:", changes_text(base, other)]
    parts = [_benchmark_text(compare(base, other, name), num_flips) for name in names]
    return "\n\n".join(["\n".join(title), *parts])


def pairs_text(comparison: Comparison) -> str:
    """A line per category: shares, difference, flips (of all seeds), and whether they differ.

    McNemar's exact p stands beside one seed, the interval over seeds beside several. Below, what
    the verdicts rest on.
    """
    categories = comparison.categories
    num_seeds = categories[OVERALL].num_seeds
    header = ["category", "n", "base %", "other %", "difference [95 %]"]
    # One seed has no interval over seeds, several have no p.
    header += ["gained", "lost", "p"] if num_seeds == 1 else ["over seeds", "gained", "lost"]
    lines = [[*header, "verdict"]]
    for name, both in categories.items():
        decided = is_decided(both, num_verdicts=side_by_side(name, categories))
        shares = [f"{100 * one:.1f}" for one in (both.base_accuracy, both.other_accuracy)]
        line = [name, str(both.n), *shares, difference_text(both)]
        line += [] if num_seeds == 1 else [seed_interval_text(both)]
        line += [str(both.gained), str(both.lost)]
        line += [] if both.p is None else [_p_text(both.p)]
        lines.append([*line, "differ" if decided else "undecided"])
    noise = "so training noise is not in them" if num_seeds == 1 else "training noise included"
    seeds = "1 seed" if num_seeds == 1 else f"{num_seeds} seeds"
    return (
        f"{aligned(lines)}\nverdicts: of {seeds}, {noise}; "
        "of categories, corrected for their number (Bonferroni)"
    )


def _check_is_run(run: RunDir) -> None:
    if not run.config_path.is_file():
        raise LynxError(
            f"{run.path} is no run folder, as it holds no {run.config_path.name}; one looks like "
            "runs/<scale>/<variant>/seed<k>"
        )


def _p_text(p: float) -> str:
    return "<.001" if p < 0.001 else f"{p:.3f}"


def _benchmark_text(comparison: Comparison, num_flips: int) -> str:
    asked = ", ".join(comparison.protocol_differences)
    parts = [f"{comparison.benchmark}, judge {comparison.judge}"]
    parts += [f"asked differently in: {asked}"] if asked else []
    parts.append(pairs_text(comparison))
    for is_gained, title in ((True, "gained"), (False, "lost")):
        flips = [flip for flip in comparison.flips if flip.is_gained == is_gained]
        parts += _flip_lines(f"{title} ({len(flips)})", flips[:num_flips])
    return "\n".join(parts)


def _flip_lines(title: str, flips: Sequence[Flip]) -> list[str]:
    if not flips:
        return []
    return [title] + [
        "  "
        + shortened(
            f"{flip.base.id} {flip.base.category}: {flip.base.question} [{flip.base.answer}] "
            f"base: {flip.base.prediction} | other: {flip.other.prediction}",
            WIDTH - 2,
        )
        for flip in flips
    ]
