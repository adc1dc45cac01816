"""Prints runs side by side: differences by category, and the questions that flipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lynx.config.errors import LynxError
from lynx.evaluation.compare import Comparison, compare_seeds
from lynx.evaluation.comparing.joining import protocol_differences, refuse_other_questions
from lynx.evaluation.comparing.stability import seed_churn, stability
from lynx.evaluation.results import ResultFiles
from lynx.evaluation.statistics import holm
from lynx.reporting.cells import fitted, p_text
from lynx.reporting.comparison_groups import Group, groups_of, paired_runs
from lynx.reporting.comparison_parts import (
    Pairs,
    flips_text,
    lengths_text,
    mme_text,
    power_lines,
    results_of,
    tests_text,
)
from lynx.reporting.comparison_vision import audit_text, looking_text
from lynx.reporting.measured import benchmarks_of, scores_of
from lynx.reporting.notes import outdated_lines
from lynx.reporting.one_factor import changes_text, unexplained
from lynx.reporting.paper_facts import OVERALL
from lynx.reporting.summary import difference_text, seed_interval_text
from lynx.reporting.verdict import is_decided
from lynx.tracking.run_dir import RunDir

Corrected = Mapping[str, float]  # p by category, corrected for what is read beside it

# Keys of protocol.json that say what was asked and how: of other things, two runs may differ.
_ASKING = (
    "format", "vision", "num_questions", "questions", "prompts", "first_prompt", "decoding",
    "plug_and_play", "multi_turn", "max_input_tokens",
)  # fmt: skip

LEGEND = """\
difference: the interval is Bonett and Price's, of pictures. bootstrap: pictures drawn again.
p: McNemar's exact, of questions. p pictures: the same of pictures' sums, as several questions may
share one. p seeds: Student's, of the seeds' differences. verdict: by the interval and by Holm's p
both; Holm takes the larger of p pictures and p seeds, overall with all comparisons printed here, in
a category with all categories and variants of the benchmark. at equal length: after regressing the
change of correctness on that of log(1 + words), question by question. resolves: smallest true
difference in points that such a comparison finds with 80 % power."""


def comparison_text(*runs: RunDir, num_flips: int = 12) -> str:
    """Compare two or more evaluated runs on every benchmark that all of them have.

    Runs of one variant are its seeds and are pooled; runs of a single variant are compared with
    each other. The first is the base. num_flips: flips listed in each direction and benchmark (0:
    none); predictions.jsonl and verdicts.jsonl hold them all. Raises LynxError where the runs were
    not asked the same questions in the same way, other than by their ablations' diffs, or were
    judged by different judges.
    """
    groups = groups_of(runs)
    if len(groups) < 2:
        raise LynxError(f"{groups[0].place}: name another run or variant to compare it with")
    base, others = groups[0], groups[1:]
    names, left_out = _common_benchmarks(groups)
    for name in names:
        _refuse_other_asking(groups, name)
    judged = [name for name in names if _is_judged(groups, name)]
    found = {
        (other.label, name): compare_seeds(paired_runs(base, other), name)
        for other in others
        for name in judged
    }
    corrected = _corrected_over_all(found)
    parts = ["\n".join([*outdated_lines(runs), *_title_lines(base, others), *left_out])]
    for name in names:
        if name not in judged:
            parts += [_unjudged_text(base, other, name) for other in others]
            continue
        for other in others:
            key = (other.label, name)
            parts += _pair_parts(base, other, found[key], corrected[key], num_flips=num_flips)
        parts += [text for text in _shared_parts(groups, name) if text]
    return "\n\n".join([*parts, LEGEND] if judged else parts)


def pairs_text(comparison: Comparison, corrected: Corrected | None = None) -> str:
    """A line per category: shares, difference, flips (of all seeds), and whether they differ.

    McNemar's exact p stands beside one seed, the interval over seeds beside several. Below, what
    the verdicts rest on. corrected: p by category, corrected for more than this comparison.
    """
    categories = comparison.categories
    num_seeds = categories[OVERALL].num_seeds
    corrected = corrected or _corrected(comparison)
    header = ["category", "n", "base %", "other %", "difference [95 %]"]
    # One seed has no interval over seeds, several have no p.
    header += ["gained", "lost", "p"] if num_seeds == 1 else ["over seeds", "gained", "lost"]
    lines = [[*header, "Holm", "verdict"]]
    for name, both in categories.items():
        is_different = corrected[name] < 0.05 and is_decided(both)
        shares = [f"{100 * one:.1f}" for one in (both.base_accuracy, both.other_accuracy)]
        line = [name, str(both.n), *shares, difference_text(both)]
        line += [] if num_seeds == 1 else [seed_interval_text(both)]
        line += [str(both.gained), str(both.lost)]
        line += [] if both.p is None else [p_text(both.p)]
        lines.append([*line, p_text(corrected[name]), "differ" if is_different else "undecided"])
    noise = "so training noise is not in them" if num_seeds == 1 else "training noise included"
    seeds = "1 seed" if num_seeds == 1 else f"{num_seeds} seeds"
    return (
        f"{fitted(lines)}\nverdicts: of {seeds}, {noise}; "
        "of categories, corrected for their number (Holm)"
    )


def _title_lines(base: Group, others: Sequence[Group]) -> list[str]:
    lines = [f"base:  {base.place}"]
    for other in others:
        lines += [f"other: {other.place}", "what differs in config.yaml:"]
        lacking = [one.place for one in (base, other) if not one.first.config_path.is_file()]
        lines += (
            [f"  no config.yaml in {' and '.join(lacking)}"]
            if lacking
            else [changes_text(base.first, other.first)]
        )
    return lines


def _common_benchmarks(groups: Sequence[Group]) -> tuple[list[str], list[str]]:
    """The benchmarks that all runs have answered, and a line on each of the others."""
    runs = [run for group in groups for run in group.runs.values()]
    have = {run.path: benchmarks_of(run) for run in runs}
    lacking: dict[str, list[str]] = {
        name: [str(path) for path, own in have.items() if name not in own]
        for name in dict.fromkeys(name for own in have.values() for name in own)
    }
    left_out = [
        f"{name} is left out, as {' and '.join(paths)} ha{'s' if len(paths) == 1 else 've'} not "
        "answered it"
        for name, paths in lacking.items()
        if paths
    ]
    names = [name for name, paths in lacking.items() if not paths]
    if not names:
        places = " and ".join(group.place for group in groups)
        raise LynxError(
            "\n".join([
                f"{places} have no benchmark in common: run 'lynx evaluate' on each first, or name "
                "the runs that are evaluated",
                *left_out,
                *outdated_lines(runs),
            ])
        )  # fmt: skip
    return names, left_out


def _is_judged(groups: Sequence[Group], benchmark: str) -> bool:
    """Whether there are verdicts; OwlEval and VisIT-Bench have none within a run."""
    scores = scores_of(groups[0].first, benchmark)
    return scores is not None and scores.overall is not None


def _refuse_other_asking(groups: Sequence[Group], benchmark: str) -> None:
    """Raise LynxError where groups were asked differently and no ablation's diff says so."""
    base = groups[0]
    for other in groups:
        files = [
            ResultFiles(run.eval_dir(benchmark))
            for group in (base, other)
            for run in group.runs.values()
        ]
        keys = protocol_differences(files)
        asked = Comparison(benchmark, "", {}, (), tuple(key for key in keys if key in _ASKING))
        ablations = (base.ablation, other.ablation) if other is not base else (None,)
        wrong = set.intersection(*(set(unexplained(asked, ablation)) for ablation in ablations))
        if wrong:
            raise LynxError(
                f"{benchmark}: {base.place} and {other.place} were asked differently in "
                f"{', '.join(key for key in keys if key in wrong)} (protocol.json), which no "
                "ablation's diff sets: evaluate all of them again with one configuration"
            )


def _corrected_over_all(
    found: Mapping[tuple[str, str], Comparison],
) -> dict[tuple[str, str], dict[str, float]]:
    """Holm's p: overall, over all comparisons; in categories, over those of the benchmark."""
    overall = dict(
        zip(
            found, holm([one.categories[OVERALL].decisive_p for one in found.values()]), strict=True
        )
    )
    corrected = {key: {OVERALL: overall[key]} for key in found}
    for benchmark in dict.fromkeys(name for _, name in found):
        cells = [
            (key, category)
            for key, one in found.items()
            for category in one.categories
            if key[1] == benchmark and category != OVERALL
        ]
        p = holm([found[key].categories[category].decisive_p for key, category in cells])
        for (key, category), one in zip(cells, p, strict=True):
            corrected[key][category] = one
    return corrected


def _corrected(comparison: Comparison) -> dict[str, float]:
    key = ("", comparison.benchmark)
    return _corrected_over_all({key: comparison})[key]


def _pair_parts(
    base: Group, other: Group, comparison: Comparison, corrected: Corrected, *, num_flips: int
) -> list[str]:
    pairs, name = paired_runs(base, other), comparison.benchmark
    results = results_of(pairs, name)
    both = comparison.categories[OVERALL]
    asked = ", ".join(comparison.protocol_differences)
    seeds = "" if both.num_seeds == 1 else f", {both.num_seeds} seeds"
    title = f"{name}, judge {comparison.judge}, from {base.label} to {other.label}{seeds}"
    main = [title, *([f"asked differently in: {asked}"] if asked else [])]
    main += [pairs_text(comparison, corrected), *power_lines(comparison, pairs)]
    main.append(
        f"churn: {both.gained} gained and {both.lost} lost behind {both.gained - both.lost:+d}"
    )
    answers = [([r.prediction for r in b], [r.prediction for r in o]) for b, o in results]
    scores = scores_of(base.first, name)
    is_mme = scores is not None and scores.format == "mme"
    return [
        "\n".join(main),
        tests_text(comparison, results),
        *([mme_text(results, name)] if is_mme else []),
        lengths_text(answers),
        *flips_text(comparison.flips, num_flips, num_seeds=both.num_seeds),
    ]


def _shared_parts(groups: Sequence[Group], benchmark: str) -> list[str]:
    runs = [run for group in groups for run in group.runs.values()]
    core = stability(runs, benchmark)
    lines = [
        f"stable core of {benchmark}: {core.always_right} of {core.n} right in all {core.num_runs} "
        f"runs, {core.never_right} in none, {core.contested} contested"
    ]
    for group in groups:
        churn = seed_churn(list(group.runs.values()), benchmark)
        if churn is not None:
            lines.append(f"  {group.label}: {churn:.1f} questions flip between two of its seeds")
    return ["\n".join(lines), looking_text(groups, benchmark), audit_text(groups, benchmark)]


def _unjudged_text(base: Group, other: Group, benchmark: str) -> str:
    pairs: Pairs = paired_runs(base, other)
    answers = []
    for pair in pairs:
        files = [ResultFiles(run.eval_dir(benchmark)) for run in pair]
        both = [file.predictions() for file in files]
        refuse_other_questions(files, both)
        answers.append((both[0], both[1]))
    return (
        f"{benchmark}, from {base.label} to {other.label}: judged across runs, so lengths alone\n"
        f"{lengths_text(answers)}"
    )
