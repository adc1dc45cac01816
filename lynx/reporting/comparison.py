"""Prints two runs side by side: differences by category, and the questions that flipped."""

from __future__ import annotations

from collections.abc import Sequence

from lynx.config.errors import LynxError
from lynx.evaluation.compare import Comparison, Flip, compare
from lynx.reporting.measured import benchmarks_of
from lynx.reporting.text import WIDTH, aligned, shortened
from lynx.tracking.run_dir import RunDir


def comparison_text(base: RunDir, other: RunDir, *, num_flips: int = 12) -> str:
    """Compare two evaluated runs on every benchmark both have.

    num_flips: flips listed in each direction and benchmark (0: none); predictions.jsonl and
    verdicts.jsonl hold them all.
    """
    names = [name for name in benchmarks_of(base) if name in benchmarks_of(other)]
    if not names:
        raise LynxError(
            f"{base.path} and {other.path} have no benchmark in common: "
            "run 'lynx evaluate' on both first"
        )
    title = f"base:  {base.path}\nother: {other.path}"
    parts = [_benchmark_text(compare(base, other, name), num_flips) for name in names]
    return "\n\n".join([title, *parts])


def pairs_text(comparison: Comparison) -> str:
    """A line per category: shares, difference, flips, McNemar's exact p."""
    lines = [["category", "n", "base %", "other %", "difference [95 %]", "gained", "lost", "p"]]
    for name, both in comparison.categories.items():
        difference = both.difference
        low, high = difference.interval.low, difference.interval.high
        lines.append([
            name,
            str(both.n),
            f"{100 * both.base_accuracy:.1f}",
            f"{100 * both.other_accuracy:.1f}",
            f"{100 * difference.value:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]",
            str(both.gained),
            str(both.lost),
            "<.001" if both.p < 0.001 else f"{both.p:.3f}",
        ])  # fmt: skip
    return aligned(lines)


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
