"""Asks whether a model looks: its answers with the pictures against those without its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lynx.config.schema import VISIONS_WITHOUT
from lynx.evaluation.comparing.joining import only_judge, refuse_other_questions
from lynx.evaluation.comparing.pairs import Paired, paired_categories
from lynx.evaluation.results import Result, ResultFiles
from lynx.tracking.run_dir import RunDir


def looking(run: RunDir, benchmark: str) -> dict[str, dict[str, Paired]]:
    """A run's answers without its pictures (base) and with them (other); see `looking_seeds`."""
    return looking_seeds([run], benchmark)


def looking_seeds(runs: Sequence[RunDir], benchmark: str) -> dict[str, dict[str, Paired]]:
    """By vision ("swapped", "blank", "text_only") and category, what the pictures add.

    runs: a variant's seeds. A vision is there if all of them were asked with it. A difference near
    zero means that the answers don't depend on what is seen. Raises LynxError where the questions
    or judges differ.
    """
    found = {}
    for vision in VISIONS_WITHOUT:
        places = [
            (ResultFiles(run.eval_dir(benchmark, vision)), ResultFiles(run.eval_dir(benchmark)))
            for run in runs
        ]
        if not all(_is_judged(file) for pair in places for file in pair):
            continue
        only_judge([file for pair in places for file in pair])
        results = [_with_the_pictures_shown(*pair) for pair in places]
        found[vision] = paired_categories(results, stream=(benchmark, vision))
    return found


def _with_the_pictures_shown(
    without: ResultFiles, shown: ResultFiles
) -> tuple[list[Result], list[Result]]:
    """Both lists, each question under its own picture, with which it hangs together."""
    base, other = without.results(), shown.results()
    refuse_other_questions(
        [shown, without],
        [[r.prediction for r in one] for one in (other, base)],
        pictures=False,
    )
    return [
        replace(b, prediction=replace(b.prediction, picture=o.prediction.picture))
        for b, o in zip(base, other, strict=True)
    ], other


def _is_judged(files: ResultFiles) -> bool:
    scores = files.scores()
    return scores is not None and scores.get("overall") is not None
