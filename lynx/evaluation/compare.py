"""Compares two runs question by question: difference, interval, McNemar's test, and the flips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lynx.evaluation.comparing.joining import joined, only_judge, protocol_differences
from lynx.evaluation.comparing.pairs import OVERALL, Flip, Paired, flips_of, paired_categories
from lynx.evaluation.results import ResultFiles
from lynx.tracking.run_dir import RunDir

__all__ = ["OVERALL", "Comparison", "Flip", "Paired", "compare", "compare_seeds"]


@dataclass(frozen=True)
class Comparison:
    """Two runs on one benchmark; `categories` starts with all questions, as "Overall"."""

    benchmark: str
    judge: str
    categories: dict[str, Paired]
    flips: tuple[Flip, ...]
    protocol_differences: tuple[str, ...]  # e.g. "plug_and_play", where an ablation changes it


def compare(base: RunDir, other: RunDir, benchmark: str) -> Comparison:
    """Compare two evaluated runs; see `compare_seeds`."""
    return compare_seeds([(base, other)], benchmark)


def compare_seeds(pairs: Sequence[tuple[RunDir, RunDir]], benchmark: str) -> Comparison:
    """Compare two variants at one or more seeds, (base, other) by seed, pooled by question.

    Raises LynxError where the runs did not answer the same questions about the same pictures, or
    were judged by different judges.
    """
    files = [ResultFiles(run.eval_dir(benchmark)) for pair in pairs for run in pair]
    answers = joined(files)
    results = [(answers[i], answers[i + 1]) for i in range(0, len(answers), 2)]
    return Comparison(
        benchmark=benchmark,
        judge=only_judge(files),
        categories=paired_categories(results, stream=(benchmark,)),
        flips=tuple(flip for base, other in results for flip in flips_of(base, other)),
        protocol_differences=protocol_differences(files),
    )
