"""Runs for tests of tables: asked MME's and VisIT-Bench's questions, and answers people rate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from lynx.config.compose import compose, config_text, list_ablations
from lynx.config.schema import Config
from lynx.evaluation.benchmarks.mme_tasks import TASKS
from lynx.evaluation.head_to_head.run import head_to_head
from lynx.evaluation.judges.rule import RuleJudge
from lynx.evaluation.questions import Question
from lynx.evaluation.results import Prediction, ResultFiles
from lynx.evaluation.scoring import score
from lynx.reporting.stale import asking_today
from lynx.tracking.code_identity import code_identity
from lynx.tracking.files import write_json_atomic, write_text_atomic
from lynx.tracking.run_dir import SHOWN, RunDir
from tests.evaluation.head_to_head import fighting

NUM_IMAGES = 8  # of each task


def write_mme(
    folder: Path,
    variant: str,
    says: Callable[[str, int, bool], str],
    *,
    seed: int = 0,
    protocol: Mapping[str, Any] | None = None,
) -> RunDir:
    """A run evaluated on MME. says: the answer by task, number of the picture, and truth."""
    run = RunDir(folder / "desk" / variant / f"seed{seed}")
    write_config(run, variant, seed)
    predictions, questions = [], []
    for task in TASKS:
        for number in range(NUM_IMAGES):
            for is_yes in (True, False):
                text = f"is it {'so' if is_yes else 'not so'}?"
                place = f"{task}-{number}-{is_yes}"
                truth = "Yes" if is_yes else "No"
                predictions.append(
                    Prediction(
                        place,
                        task,
                        text,
                        truth,
                        f"{task}{number}",
                        text,
                        says(task, number, is_yes),
                        image_name=f"{task}/{number}.png",
                    )
                )
                questions.append(
                    Question(len(questions), place, task, text, truth, "image", (b"x",))
                )
    finish(run, "mme", "mme", predictions, questions, protocol=protocol)
    return run


def finish(
    run: RunDir,
    benchmark: str,
    format_: str,
    predictions: list[Prediction],
    questions: list[Question],
    *,
    protocol: Mapping[str, Any] | None = None,
) -> None:
    """Write the evaluation's files as an evaluation does."""
    files = ResultFiles(run.eval_dir(benchmark))
    content = {
        "key": "k", "code": code_identity(), "benchmark": benchmark, "format": format_,
        "vision": SHOWN, "seed": 0, **_asked(run.path.parent.name, benchmark), **(protocol or {}),
    }  # fmt: skip
    files.begin(content)
    files.finish(predictions)
    score(files, questions, protocol=content, judge=RuleJudge(), without={})


def write_config(run: RunDir, variant: str, seed: int) -> None:
    """The run's config.yaml, of the ablation or the experiment."""
    write_text_atomic(run.config_path, config_text(_config(variant, seed)))


@cache
def _config(variant: str, seed: int = 0) -> Config:
    ablation = variant if variant in [one.name for one in list_ablations()] else None
    return compose(ablation=ablation, seed=seed)


def _asked(variant: str, benchmark: str) -> dict[str, Any]:
    """The part of the protocol that follows from the variant's configuration."""
    config = _config(variant)
    is_described = config.evaluation.benchmarks[benchmark].plug_and_play
    described = {"prompt": "describe"} if is_described else None
    return {**asking_today(config, benchmark), "plug_and_play": described}


def write_battles(folder: Path, says: Mapping[str, Callable[[Question], str]]) -> None:
    """Runs of the variants that have answered VisIT-Bench, and their battles: the longer wins."""
    questions = [fighting.make_question(number) for number in range(12)]
    runs = []
    for variant, say in says.items():
        run = fighting.make_run(folder, variant)
        write_config(run, variant, 0)
        fighting.write_answers(run, questions, say)
        files = ResultFiles(run.eval_dir("visit_bench"))
        protocol = {**(files.protocol() or {}), **_asked(variant, "visit_bench")}
        write_json_atomic(files.protocol_path, {**protocol, "code": code_identity()})
        runs.append(run)
    head_to_head(
        "visit_bench", runs, questions=questions, judge=fighting.ToldJudge(fighting.longer),
        out_dir=folder / "desk" / "head_to_head" / "visit_bench", num_resamples=50,
        num_shuffles=5, say=lambda _: None,
    )  # fmt: skip
