"""Recomputes the mix that a run's samples must have had, and compares it with what was logged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lynx.config.compose import load_config
from lynx.config.errors import LynxError
from lynx.config.schema import STAGE_NAMES, Config
from lynx.data.build import build_data_module
from lynx.data.identity import fingerprint
from lynx.data.module import LynxDataModule
from lynx.model.build import load_tokenizer
from lynx.tracking.loggers import read_metrics
from lynx.tracking.run_dir import RunDir
from lynx.training.catalog import catalog_of
from lynx.training.checkpoint_io import AtomicCheckpointIO, latest_checkpoint

_SAMPLES, _TOKENS = "mix/", "mix_tokens/"


@dataclass(frozen=True)
class StageAudit:
    """One stage: rows of its log compared, and each thing that differs, in words.

    tokens_to: samples up to which tokens were counted again, by reading and encoding them.
    """

    stage: str
    num_rows: int
    num_samples: int
    tokens_to: int
    differences: tuple[str, ...]


def audit_run(
    run_dir: RunDir,
    *,
    token_samples: int = 2000,
    catalog: Mapping[str, str | Path] | None = None,
) -> list[StageAudit]:
    """Each stage of the run that has a log, compared with (recipe, seed, position).

    Sample counts are compared at every logged step, tokens at the first one and at those up to
    `token_samples`, and the data's fingerprint. LynxError where the run, its recipes or its shards
    are gone.
    """
    if not run_dir.config_path.is_file():
        raise LynxError(f"{run_dir.path}: is no run's folder: it has no {run_dir.config_path.name}")
    config = load_config(run_dir.config_path)
    shards = catalog if catalog is not None else catalog_of(config)
    tokenizer = load_tokenizer(config.model.language_model.checkpoint)
    found = []
    for stage in STAGE_NAMES:
        rows = read_metrics(run_dir.metrics_path(stage))
        if not rows:
            continue
        data = build_data_module(
            config,
            stage,
            catalog=shards,
            tokenizer=tokenizer,
            num_queries=config.model.resampler.num_queries,
        )
        found.append(_audit_stage(config, run_dir, stage, rows, data, token_samples))
    if not found:
        raise LynxError(f"{run_dir.path}: no stage has a log")
    return found


def _audit_stage(
    config: Config,
    run_dir: RunDir,
    stage: str,
    rows: list[dict[str, Any]],
    data: LynxDataModule,
    token_samples: int,
) -> StageAudit:
    differences = [
        difference
        for row in rows
        for difference in _compared(row, data.planned_mix(int(row["samples"])), _SAMPLES)
    ]
    tokens_to, token_differences = _compare_tokens(rows, data, token_samples)
    differences += token_differences
    trained_on = _fingerprint(run_dir, stage)
    if trained_on != data.fingerprint:
        differences.append(
            f"the stage was trained on data {trained_on}, recipe, prompts, shards and settings now "
            f"make {data.fingerprint}"
        )
    settings = getattr(config.stages, stage)
    if int(rows[-1]["samples"]) > settings.steps * settings.global_batch_size:
        differences.append(f"the log goes to sample {rows[-1]['samples']:.0f}, beyond the stage")
    return StageAudit(stage, len(rows), int(rows[-1]["samples"]), tokens_to, tuple(differences))


def _fingerprint(run_dir: RunDir, stage: str) -> str:
    """Of the data, as the stage's record has it, or where it isn't complete its last checkpoint."""
    record_path = run_dir.stage_record_path(stage)
    if record_path.is_file():
        return str(json.loads(record_path.read_text(encoding="utf-8"))["data_fingerprint"])
    checkpoint = latest_checkpoint(run_dir.checkpoint_dir(stage))
    if checkpoint is None:
        return "that no record and no checkpoint tells of"
    state = AtomicCheckpointIO().load_checkpoint(checkpoint)
    return fingerprint(state[LynxDataModule.__qualname__]["identity"])


def _compared(row: Mapping[str, Any], expected: Mapping[str, int], prefix: str) -> list[str]:
    what = "samples" if prefix == _SAMPLES else "tokens"
    logged = {key.removeprefix(prefix): row[key] for key in row if key.startswith(prefix)}
    return [
        f"after {row['samples']:.0f} samples: {source} has {logged.get(source, 0):.0f} {what} in "
        f"the log, {expected.get(source, 0)} by the recipe"
        for source in dict.fromkeys([*logged, *expected])
        if logged.get(source, 0) != expected.get(source, 0)
    ]


def _compare_tokens(
    rows: list[dict[str, Any]], data: LynxDataModule, token_samples: int
) -> tuple[int, list[str]]:
    """Goes through the stage's first samples as training did, and counts."""
    first = rows[0]["samples"]  # looked at in any case: else nothing might be
    due = {int(row["samples"]): row for row in rows if row["samples"] <= max(token_samples, first)}
    differences: list[str] = []
    last = max(due)
    for _ in data.batches():
        mix = data.realised_mix()
        done = sum(mix.samples.values())
        if done in due:  # once: the count stays the same until the next step ends
            differences += _compared(due.pop(done), mix.tokens, _TOKENS)
        if done >= last:
            break
    return last, differences


def audit_text(audits: list[StageAudit]) -> str:
    """A line per stage, and below it what differs."""
    lines = []
    for one in audits:
        verdict = "equal" if not one.differences else f"{len(one.differences)} differences"
        lines.append(
            f"{one.stage:<11} {one.num_samples:>11} samples, {one.num_rows:>5} logged rows, "
            f"tokens of the first {one.tokens_to}: {verdict}"
        )
        lines += [f"  {difference}" for difference in one.differences[:20]]
    return "\n".join(lines)
