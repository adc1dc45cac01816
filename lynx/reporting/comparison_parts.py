"""Prints what stands below a comparison's table: tests, lengths, power, MME's scores, flips."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from statistics import fmean

from lynx.config.errors import LynxError
from lynx.evaluation.compare import OVERALL, Comparison, Flip, Paired
from lynx.evaluation.comparing.lengths import LengthPair, at_equal_length, compare_lengths
from lynx.evaluation.comparing.mme import ScorePair, compare_scores
from lynx.evaluation.comparing.noise import Budget, budget, judge_noise
from lynx.evaluation.power import questions_needed, seeds_needed
from lynx.evaluation.results import Prediction, Result, ResultFiles
from lynx.reporting.cells import difference_cell, fitted, interval_text, p_text
from lynx.reporting.text import WIDTH, aligned, shortened
from lynx.tracking.run_dir import RunDir

Pairs = Sequence[tuple[RunDir, RunDir]]  # (base, other) by seed
Judged = Sequence[tuple[Sequence[Result], Sequence[Result]]]


def results_of(pairs: Pairs, benchmark: str) -> Judged:
    """The judged answers of both sides."""
    return [
        (_files(base, benchmark).results(), _files(other, benchmark).results())
        for base, other in pairs
    ]


def tests_text(comparison: Comparison, results: Judged) -> str:
    """A line per category: other intervals and tests of the same difference, and its power."""
    several = comparison.categories[OVERALL].num_seeds > 1
    header = ["as well", "bootstrap [95 %]", "at equal length [95 %]"]
    header += ["p pictures", "p seeds" if several else "mid-p", "resolves", "questions needed"]
    lines = [header]
    for name, both in comparison.categories.items():
        part = [
            tuple([r for r in side if name in (OVERALL, r.prediction.category)] for side in pair)
            for pair in results
        ]
        fixed = at_equal_length([(base, other) for base, other in part])
        other_p = both.seed_p if several else both.mid_p
        lines.append([
            name,
            interval_text(both.bootstrap) if both.gained + both.lost else "-",
            "-"
            if fixed is None or not both.gained + both.lost
            else difference_cell(fixed.difference.value, fixed.difference.interval),
            p_text(both.cluster_p),
            "-" if other_p is None else p_text(other_p),
            f"{100 * budget(both, []).resolved:.1f}",
            _needed_text(both),
        ])  # fmt: skip
    return fitted(lines)


def lengths_text(
    answers: Sequence[tuple[Sequence[Prediction], Sequence[Prediction]]],
) -> str:
    """A line per measure: mean length of both sides' answers, and the difference."""
    lines = [["length of answers", "base", "other", "difference [95 %]", "empty"]]
    for name, pair in compare_lengths(answers).items():
        lines.append([f"  {name}", *_length_cells(pair)])
    return aligned(lines)


def power_lines(comparison: Comparison, pairs: Pairs) -> list[str]:
    """What would settle the gap seen over all questions, and what this comparison can resolve."""
    both = comparison.categories[OVERALL]
    judges = [
        (judge_noise(base, comparison.benchmark), judge_noise(other, comparison.benchmark))
        for base, other in pairs
    ]
    lines = textwrap.wrap(_power_line(both), WIDTH)
    lines += _noise_lines(budget(both, judges), both.num_seeds)
    for side, label in ((0, "base"), (1, "other")):
        known = [one for pair in judges if (one := pair[side]) is not None]
        if known:
            rate = fmean(one.flip_rate for one in known)
            lines.append(f"judge, {label}: {100 * rate:.1f} % of pairs of verdicts disagree")
    return lines


def mme_text(results: Judged, benchmark: str) -> str:
    """Official scores of both sides by task; accuracy+, both questions right, tested by image."""
    try:
        pairs = compare_scores(results, benchmark=benchmark)
    except LynxError as error:
        return f"no official scores: {error}"
    several = len(results) > 1
    header = ["score", "images", "base", "other", "difference [95 %]", "both right", "p pictures"]
    lines = [[*header, *(["p seeds"] if several else [])]]
    lines += [[name, *_score_cells(pair)] for name, pair in pairs.items()]
    return fitted(lines)


def flips_text(flips: Sequence[Flip], num_shown: int, *, num_seeds: int) -> list[str]:
    """One text of the questions gained and lost, num_shown of each; [] where none flipped."""
    lines = [
        line
        for is_gained, word in ((True, "gained"), (False, "lost"))
        for line in _flip_lines(
            word, [flip for flip in flips if flip.is_gained == is_gained], num_shown, num_seeds
        )
    ]
    return ["\n".join(lines)] if lines else []


def needed_questions(both: Paired) -> int | None:
    """Questions that would show the gap seen with 80 % power, with as many seeds as here."""
    needed = questions_needed(both.gained, both.lost, both.n * both.num_seeds)
    return None if needed is None else math.ceil(needed * both.clustering)


def _needed_text(both: Paired) -> str:
    needed = needed_questions(both)
    return "-" if needed is None else f"{needed:,}"


def _power_line(both: Paired) -> str:
    needed = needed_questions(both)
    if needed is None:
        return "power: as many gained as lost, so that no number of questions would settle it"
    line = f"power: {needed:,} questions (here {both.n})"
    if both.num_seeds > 1:
        seeds = seeds_needed(both.by_seed)
        more = "no number of seeds" if seeds is None else f"{seeds:,} seeds"
        line += f" and {more} (here {both.num_seeds})"
    return f"{line} would show the gap seen with 80 %, were it the true one"


def _noise_lines(noise: Budget, num_seeds: int) -> list[str]:
    """Standard errors in points by source, and the smallest difference that is resolved."""
    sources = [f"questions {100 * noise.questions:.1f}"]
    sources.append("seeds unknown" if noise.seeds is None else f"seeds {100 * noise.seeds:.1f}")
    sources.append(
        "judge unknown" if noise.judge is None else f"of these the judge {100 * noise.judge:.1f}"
    )
    over = "questions" if num_seeds == 1 else "questions and seeds"
    return [
        f"noise, standard error in points: {', '.join(sources)}",
        f"resolves {100 * noise.resolved:.1f} points over {over}",
    ]


def _flip_lines(word: str, flips: Sequence[Flip], num_shown: int, num_seeds: int) -> list[str]:
    """A question that flips at several seeds is listed once, with the answers of the first.

    Those that flip at most seeds come first.
    """
    if not flips:
        return []
    by_question: dict[str, list[Flip]] = {}
    for flip in flips:
        by_question.setdefault(flip.base.id, []).append(flip)
    ordered = sorted(by_question.values(), key=len, reverse=True)  # stable
    title = f"{word} ({len(flips)})"
    if num_seeds > 1:
        title = f"{word} ({len(flips)} at {num_seeds} seeds, {len(ordered)} questions)"
    lines = []
    for first, *more in ordered[:num_shown]:
        seeds = f"at {1 + len(more)} of {num_seeds} seeds, " if num_seeds > 1 else ""
        text = (
            f"{seeds}{first.base.id} {first.base.category}: {first.base.question} "
            f"[{first.base.answer}] base: {first.base.prediction} | other: {first.other.prediction}"
        )
        lines.append("  " + shortened(text, WIDTH - 2))
    return [title, *lines]


def _length_cells(pair: LengthPair) -> list[str]:
    difference = pair.difference
    return [
        f"{pair.base:.1f}",
        f"{pair.other:.1f}",
        difference_cell(difference.value, difference.interval, scale=1.0),
        f"{pair.base_empty}, {pair.other_empty}",
    ]


def _score_cells(pair: ScorePair) -> list[str]:
    both = pair.both_right
    return [
        str(pair.num_images),
        f"{pair.base:.2f}",
        f"{pair.other:.2f}",
        difference_cell(pair.difference, pair.interval, scale=1.0),
        f"+{both.gained} -{both.lost}",
        p_text(both.cluster_p),
        *([] if both.seed_p is None else [p_text(both.seed_p)]),
    ]


def _files(run: RunDir, benchmark: str) -> ResultFiles:
    return ResultFiles(run.eval_dir(benchmark))
