"""Writes runs side by side into one HTML file that needs nothing else, to be sent and archived."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

from lynx.config.compose import load_config
from lynx.reporting.html.cases import KINDS, benchmark_cases
from lynx.reporting.html.curves import stage_curves
from lynx.reporting.html.details import detail_tables, length_lines
from lynx.reporting.html.page import render
from lynx.reporting.html.provenance import protocols, run_origins
from lynx.reporting.html.scores import BenchmarkFigures, benchmark_figures, benchmark_names
from lynx.reporting.html.shown_cases import ShownCases, shown_cases
from lynx.reporting.html.training import cost_lines, seconds_trained, stage_mixes
from lynx.reporting.html.variants import Variant, find_variants
from lynx.reporting.offline_runs import Sync, sync_command
from lynx.reporting.one_factor import changes_text
from lynx.reporting.stale import stale_reasons
from lynx.tracking.files import write_bytes_atomic

_SECTIONS = {
    "headline": "Verdicts",
    "scores": "Scores",
    "looking": "Is it looking?",
    "lengths": "Lengths",
    "losses": "Losses",
    "mix": "Mix",
    "cost": "Cost",
    "questions": "Questions",
    "provenance": "Provenance",
}
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Written:
    """What a report holds. sync: how the runs' offline W&B files can be published, if any."""

    path: Path
    num_bytes: int
    num_cases: int
    num_pictures: int
    sync: Sync | None


def write_html_report(
    paths: Sequence[Path],
    out: Path,
    *,
    num_pictures: int = 60,
    progress: Progress = lambda _: None,
) -> Written:
    """Compare runs, or variants over their seeds, with the first of them.

    paths: run folders, or variant folders, which mean all their seeds. num_pictures: pictures
    among the questions listed. progress: told of each part before it is begun. Raises LynxError for
    a folder that holds no run.
    """
    variants = find_variants(paths)
    names = benchmark_names(variants)
    benchmarks = list(_with_progress(variants, names, progress))
    lists = [benchmark_cases(variants, figures) for figures in benchmarks]
    cases = shown_cases(lists, variants[0].first, num_pictures=num_pictures, progress=progress)
    progress("losses, mix, files")
    sync = sync_command([run for variant in variants for run in variant.runs.values()])
    html = render({
        **_heading(variants, names),
        **_scores(variants, benchmarks),
        **_training(variants),
        **_questions(cases),
        "protocols": protocols(variants, names),
        "origins": run_origins(variants, names),
        "sync": sync,
    })  # fmt: skip
    # What a broken tokenizer says may hold half a character, which no encoding has.
    content = html.encode("utf-8", errors="replace")
    write_bytes_atomic(out, content)
    shown = [one for own in cases for one in own.cases]
    return Written(out, len(content), len(shown), sum(bool(one.picture) for one in shown), sync)


def _with_progress(
    variants: Sequence[Variant], names: Sequence[str], progress: Progress
) -> Iterable[BenchmarkFigures]:
    for name in names:
        progress(f"{name}: scores")
        yield benchmark_figures(variants, name)


def _heading(variants: Sequence[Variant], names: Sequence[str]) -> dict[str, Any]:
    base, *others = variants
    everyone = [run for variant in variants for run in variant.runs.values()]
    labels = ", ".join(variant.label for variant in others)
    return {
        "title": f"{labels} against {base.label}" if others else base.label,
        "scales": sorted({load_config(variant.first.config_path).scale for variant in variants}),
        "written": time.strftime("%Y-%m-%d %H:%M %Z"),
        "sections": list(_SECTIONS.items()),
        "variants": variants,
        "has_several_seeds": any(len(variant.runs) > 1 for variant in variants),
        "diffs": [(one, dedent(changes_text(base.first, one.first))) for one in others],
        "stale": stale_reasons(everyone, names),
    }


def _scores(variants: Sequence[Variant], benchmarks: Sequence[BenchmarkFigures]) -> dict[str, Any]:
    return {
        "benchmarks": benchmarks,
        "details": {one.name: detail_tables(variants, one) for one in benchmarks},
        "lengths": length_lines(variants, benchmarks),
    }


def _training(variants: Sequence[Variant]) -> dict[str, Any]:
    return {
        "curves": stage_curves(variants),
        "mixes": stage_mixes(variants),
        "costs": cost_lines(variants),
        "seconds": seconds_trained(variants),
    }


def _questions(cases: Sequence[ShownCases]) -> dict[str, Any]:
    shown = [one.case for own in cases for one in own.cases]
    used = {kind for case in shown for own in case.kinds.values() for kind in own}
    return {
        "cases": cases,
        "num_cases": len(shown),
        "categories": list(dict.fromkeys(case.category for case in shown)),
        "kinds": [(kind, text) for kind, text in KINDS.items() if kind in used],
        "kind_names": KINDS,
    }
