"""Evaluates a baseline: the same questions, prompts, decoding rows and judge as our own model."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
import transformers

from lynx.baselines.asking import BaselineAsker
from lynx.baselines.known import Baseline
from lynx.baselines.loading import (
    adapter_class,
    checkpoint_folder,
    identity_of,
    load_adapter,
)
from lynx.baselines.record import MEASURED, run_dir_of, write_record
from lynx.config.compose import compose
from lynx.config.diff import resolved_diff
from lynx.config.errors import LynxError
from lynx.config.schema import Config
from lynx.evaluation.build import Benchmark, build_benchmark, uses_bf16
from lynx.evaluation.judges.build import build_judge
from lynx.evaluation.judges.reply_store import judgements_dir
from lynx.evaluation.run import ask_benchmarks, chosen_benchmarks
from lynx.evaluation.scores import Scores
from lynx.tracking.manifest import write_manifest
from lynx.tracking.run_dir import RunDir

# Keys of the configuration that are about asking; the others are about training our model.
_ASKING = ("evaluation.", "hardware.", "tracking.", "data.cache_dir", "model.num_frames", "seed")


def evaluate_baseline(
    baseline: Baseline,
    config: Config,
    *,
    name: str = "",
    benchmarks: Sequence[str] = (),
    resume: bool = False,
    download: bool = False,
) -> tuple[RunDir, dict[str, Scores]]:
    """Ask, judge and count the benchmarks of `config`; the run's folder, and scores by benchmark.

    name: of the run's folder, by default the baseline's. benchmarks: some of the configuration's;
    none means all. resume: go on with the answers of an interrupted evaluation. download: bring the
    checkpoint first. Raises LynxError before anything is asked where the checkpoint isn't here,
    the device isn't, or the model can't be asked what the configuration wants.
    """
    _check(baseline, config)
    chosen = chosen_benchmarks(config, benchmarks)
    run_dir = run_dir_of(name or baseline.name, config)
    folder = checkpoint_folder(baseline, download=download)
    identity = identity_of(folder, baseline.checkpoint)
    judge = build_judge(config.evaluation.judge, cache_dir=judgements_dir(run_dir.path))
    built = [benchmark_for(baseline, config, one, checkpoint=identity) for one in chosen]
    write_record(run_dir, MEASURED, config, baseline.content())
    fingerprints = {"baseline": identity, "checkpoint": str(baseline.checkpoint)}
    write_manifest(run_dir, command=sys.argv, fingerprints=fingerprints)

    @cache
    def asker() -> BaselineAsker:
        return _asker(baseline, folder, config)

    scores = ask_benchmarks(
        run_dir, built, asker, judge, batch_size=config.evaluation.batch_size, resume=resume,
        without_vision=config.evaluation.without_vision, seed=config.seed,
    )  # fmt: skip
    return run_dir, scores


def benchmark_for(baseline: Baseline, config: Config, name: str, *, checkpoint: str) -> Benchmark:
    """A benchmark as this baseline is asked it; the protocol names what differs from our model's.

    checkpoint: identity of the weights.
    """
    own = baseline.prompts.get(name)
    if own is not None:
        benchmark = replace(config.evaluation.benchmarks[name], prompt=own, prompt_pool=None)
        changed = {**config.evaluation.benchmarks, name: benchmark}
        config = replace(config, evaluation=replace(config.evaluation, benchmarks=changed))
    built = build_benchmark(config, name, checkpoint=checkpoint)
    return replace(built, conditions=_conditions(baseline, config, checkpoint))


def _conditions(baseline: Baseline, config: Config, checkpoint: str) -> dict[str, Any]:
    """What determines the answers beside questions, prompts and the row of Table 9."""
    asked = baseline.content()
    keys = ("adapter", "template", "video", "num_frames", "end_tokens", "banned_tokens", "cut_at")
    return {
        "kind": MEASURED,
        "baseline": {key: asked[key] for key in keys},
        "checkpoint": checkpoint,
        "seed": config.seed,
        "precision": "bf16" if uses_bf16(config) else "fp32",
        # Beams are searched by this version's rules, which aren't quite the release's (4.28.1).
        "decoder": f"transformers {transformers.__version__}",
    }


def _check(baseline: Baseline, config: Config) -> None:
    """Mistakes that would else show after minutes of loading."""
    plain = compose(experiment=config.experiment, scale=config.scale)
    for key in resolved_diff(plain, config):
        if not key.startswith(_ASKING):
            raise LynxError(
                f"command line: `{key}` is about training our model, and a baseline is only asked; "
                f"what can be set begins with {', '.join(_ASKING[:3])}"
            )
    kind = adapter_class(baseline)
    if kind.needs_picture and "text_only" in config.evaluation.without_vision:
        raise LynxError(
            f"{baseline.name} can't be asked without a picture, as its language model is given "
            "vision tokens always: leave text_only out of evaluation.without_vision"
        )
    if config.hardware.accelerator == "gpu" and not torch.cuda.is_available():
        raise LynxError(
            "hardware.accelerator is gpu, and torch sees no GPU here: add hardware.accelerator=cpu"
        )


def _asker(baseline: Baseline, folder: Path, config: Config) -> BaselineAsker:
    hardware = config.hardware
    if hardware.threads > 0:  # one process, which takes the threads of those that would train
        alone = hardware.accelerator == "cpu"
        torch.set_num_threads(hardware.threads * (hardware.devices if alone else 1))
    adapter = load_adapter(
        baseline,
        folder,
        device=torch.device("cuda" if hardware.accelerator == "gpu" else "cpu"),
        dtype=torch.bfloat16 if uses_bf16(config) else torch.float32,
    )
    return BaselineAsker(adapter, config.seed)
