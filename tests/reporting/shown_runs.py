"""Runs for tests of what shows them: asked about pictures of one colour, with metrics, records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from lynx.config.compose import config_text
from lynx.config.schema import Config
from lynx.evaluation.build import build_benchmark
from lynx.evaluation.judges.rule import RuleJudge
from lynx.evaluation.questions import Question
from lynx.evaluation.results import Prediction, ResultFiles
from lynx.evaluation.scores import Scores
from lynx.evaluation.scoring import score
from lynx.tracking.files import write_json_atomic, write_text_atomic
from lynx.tracking.loggers import MetricsJsonl
from lynx.tracking.run_dir import SHOWN, RunDir
from tests.color_run import configured

Says = Callable[[Question], str]
STAGES = ("pretrain", "resolution", "instruct")
HOSTILE = '<script>document.title="taken"</script><img src="http://127.0.0.1:1/x"> & "quoted"'


def right(question: Question) -> str:
    """The truth."""
    return question.answer


def wrong(question: Question) -> str:
    """A colour that is not the picture's, and what no page may take for its own text."""
    return f"purple {HOSTILE}"


def wrong_for(ids: Sequence[str]) -> Says:
    """Right but for some questions."""
    return lambda question: wrong(question) if question.id in ids else right(question)


def shown_run(
    root: Path, variant: str, *, seed: int = 0, says: Says = right, loss: float = 1.0
) -> RunDir:
    """A run below `root`/runs/desk, evaluated on nine questions, with and without pictures."""
    config = replace(_config(root), seed=seed)
    run = RunDir(root / "runs" / "desk" / variant / f"seed{seed}")
    write_text_atomic(run.config_path, config_text(config))
    write_json_atomic(
        run.manifest_path,
        {
            "time": "2026-01-01T00:00:00+00:00", "command": ["lynx", "train", variant],
            "git": {"commit": "c0ffee" * 6 + "abcd", "dirty": True}, "packages": {"torch": "2.6.0"},
            "device": {"platform": "Linux", "gpus": []},
        },
    )  # fmt: skip
    for stage in STAGES:
        _write_stage(run, stage, loss=loss)
    without = {vision: _evaluate(run, config, vision, wrong, {}) for vision in ("swapped", "blank")}
    _evaluate(run, config, SHOWN, says, without)
    return run


@cache
def _config(root: Path) -> Config:
    root.mkdir(parents=True, exist_ok=True)
    return configured(root)


def _write_stage(run: RunDir, stage: str, *, loss: float) -> None:
    log = MetricsJsonl(run.metrics_path(stage))
    for step in range(20):
        value = loss * 2 / (step + 1)
        log.log_metrics(
            {"loss_since_last_log": value, "loss_of/vqav2": value, "loss_of/laion": 2 * value,
             "mix/vqav2": 3 * step, "mix/laion": step},
            step=step,
        )  # fmt: skip
    write_json_atomic(
        run.stage_record_path(stage),
        {
            "steps": 20, "wall_seconds": 100.0, "samples_per_second": 12.5,
            "realised_mix": {"vqav2": 60, "laion": 20},
            "realised_tokens": {"vqav2": 500, "laion": 500}, "useful_tokens": 0.875,
            "peak_memory_bytes": 3 * 2**30, "peak_gpu_memory_bytes": 0, "unreadable_samples": 0,
            "reused_from": None,
        },
    )  # fmt: skip


def _evaluate(
    run: RunDir, config: Config, vision: str, says: Says, without: dict[str, Scores]
) -> Scores:
    benchmark = build_benchmark(config, "colors", checkpoint="weights")
    if vision != SHOWN:
        benchmark = benchmark.without_picture(vision, config.seed)
    files = ResultFiles(run.eval_dir("colors", vision))
    files.begin(benchmark.protocol)
    files.finish(
        Prediction(
            q.id, q.category, q.question, q.answer, q.picture, prompt, says(q),
            num_tokens=len(says(q).split()),
        )
        for q, prompt in zip(benchmark.questions, benchmark.prompts, strict=True)
    )  # fmt: skip
    return score(
        files, benchmark.questions, protocol=benchmark.protocol, judge=RuleJudge(), without=without
    )
