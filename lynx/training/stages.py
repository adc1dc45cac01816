"""Addresses of trained stages: what determines a stage's result, and where it has been trained."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lynx.config.errors import LynxError
from lynx.config.schema import STAGE_NAMES, Config
from lynx.model.build import frozen_parts
from lynx.tracking.files import write_json_atomic
from lynx.tracking.run_dir import RunDir

FORMAT = 2  # raise it when a change of code makes earlier stages worthless
FINAL_NAME = "final.safetensors"


def stage_key(
    config: Config,
    stage: str,
    *,
    identities: Mapping[str, str],
    data_fingerprint: str,
    parent: str | None,
) -> str:
    """sha256 over all that determines the stage's weights up to rounding.

    identities: of the backbones' weights, which stand for their paths. parent: key of the stage
    before.
    Left out: how a step is packed and spread over devices and micro batches, since the loss doesn't
    depend on it, and everything about tracking and evaluation; also the recipe's name, as the data
    fingerprint holds what the recipe says.
    """
    settings = asdict(getattr(config.stages, stage))
    del settings["micro_batch_size"], settings["recipe"]
    return _digest(
        {
            **_around_weights(config, identities),
            "format": FORMAT,
            "stage": stage,
            "settings": settings,
            "optimizer": asdict(config.optimizer),
            "data": data_fingerprint,
            "split": _split(config, stage),
            "seed": config.seed,
            "parent": parent,
        }
    )


def imported_key(config: Config, *, identities: Mapping[str, str], sha256: str) -> str:
    """`imported:<sha256>:<digest>` of a file imported for `config`; no stage's address.

    The digest is of what else decides the answers, so that evaluation tells apart two imports of
    one file. identities: as for `stage_key`; a part without one goes by its checkpoint's name.
    """
    return f"imported:{sha256}:{_digest(_around_weights(config, identities))}"


def _around_weights(config: Config, identities: Mapping[str, str]) -> dict[str, Any]:
    """What makes a model of trained weights: its settings, the backbones and their rounding."""
    model = asdict(config.model)
    for part in identities:
        del model[part]["checkpoint"]
    return {
        "model": model,
        "identities": dict(identities),
        "precision": _precision(config),
        "frozen": _rounded_parts(config),
    }


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _precision(config: Config) -> str:
    """DeepSpeed holds the weights themselves in bfloat16; the others compute in it."""
    hardware = config.hardware
    rounds_weights = hardware.strategy == "deepspeed" and hardware.precision != "fp32"
    return f"{hardware.precision}-weights" if rounds_weights else hardware.precision


def _rounded_parts(config: Config) -> list[str]:
    """Frozen parts that are held in less than float32, and in what."""
    dtype = config.hardware.frozen_dtype
    return [] if dtype == "fp32" else [dtype, *sorted(frozen_parts(config))]


def _split(config: Config, stage: str) -> list[int | str]:
    """How a step is split where that matters: stochastic depth draws per micro batch and rank."""
    if not config.model.vision_encoder.drop_path_rate:
        return []
    hardware, settings = config.hardware, getattr(config.stages, stage)
    world_size = hardware.devices * hardware.num_nodes
    return [settings.micro_batch_size, world_size, config.data.pack_length, config.data.packing]


def final_path(run_dir: RunDir, stage: str) -> Path:
    """The trained parts that a complete stage leaves."""
    return run_dir.checkpoint_dir(stage) / FINAL_NAME


def read_record(run_dir: RunDir, stage: str) -> dict[str, Any] | None:
    """A complete stage's record, or None where the stage is not complete."""
    path = run_dir.stage_record_path(stage)
    if not final_path(run_dir, stage).is_file():
        return None
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:  # not written yet, or removed a moment ago by another process
        return None
    except ValueError as error:
        raise LynxError(f"{path}: damaged, no record of a stage: {error}") from error
    return record


def remove_records(run_dir: RunDir, *, first: str) -> None:
    """From `first` on no stage counts as complete: what came after it came from other weights."""
    for stage in STAGE_NAMES[STAGE_NAMES.index(first) :]:
        run_dir.stage_record_path(stage).unlink(missing_ok=True)


def write_record(run_dir: RunDir, stage: str, record: Mapping[str, Any]) -> None:
    """Declare a stage complete; its other files must be there already."""
    write_json_atomic(run_dir.stage_record_path(stage), dict(record))


def find_stage(
    run_dir: RunDir, stage: str, *, key: str, own_only: bool = False, others_only: bool = False
) -> RunDir | None:
    """A run of the same scale whose stage has this address; the run itself comes first."""
    own = [] if others_only else [run_dir.path]
    runs = [] if own_only else sorted(run_dir.path.parents[1].glob("*/seed*"))
    for path in [*own, *(one for one in runs if one != run_dir.path)]:
        record = read_record(RunDir(path), stage)
        if record is not None and record["key"] == key:
            return RunDir(path)
    return None


def adopt_stage(run_dir: RunDir, stage: str, *, source: RunDir) -> None:
    """Take over another run's stage: weights (linked where possible), metrics and record."""
    record = read_record(source, stage)
    assert record is not None
    shutil.rmtree(run_dir.stage_dir(stage), ignore_errors=True)
    run_dir.checkpoint_dir(stage).mkdir(parents=True)
    pairs = [(final_path(source, stage), final_path(run_dir, stage))]
    pairs.append((source.metrics_path(stage), run_dir.metrics_path(stage)))
    if source.quarantine_path(stage).is_file():
        pairs.append((source.quarantine_path(stage), run_dir.quarantine_path(stage)))
    for original, own in pairs:
        try:
            os.link(original, own)
        except OSError:  # another file system, or one without links
            shutil.copy2(original, own)
    origin = record.get("reused_from") or str(source.path)
    write_record(run_dir, stage, {**record, "reused_from": origin})
