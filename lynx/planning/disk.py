"""Forecasts the disk that a run needs: checkpoints, the stages' final files, logs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lynx.config.schema import STAGE_NAMES, Config
from lynx.model.build import meta_model_of
from lynx.model.lynx import LynxModel
from lynx.planning.manifest import final_manifest, resume_manifest

_AT_ONCE = 2  # the newest, and the one that is being written
_LINE = 4_000  # bytes of metrics.jsonl per logged step, W&B's copy included
REST = 200_000_000  # bytes of a run: logs, manifests, predictions, W&B's pictures


def stage_disk(config: Config, stage: str, *, model: LynxModel) -> dict[str, int]:
    """Bytes by what they are for; the checkpoints go when the stage ends."""
    settings, tracking = getattr(config.stages, stage), config.tracking
    checkpoint = sum(one.num_bytes for one in resume_manifest(config, stage, model=model))
    interim = (settings.steps - 1) // tracking.checkpoint_every_n_steps
    return {
        "checkpoints": min(interim, _AT_ONCE) * checkpoint,
        "final file": sum(one.num_bytes for one in final_manifest(config, stage, model=model)),
        "logs": settings.steps // tracking.log_every_n_steps * _LINE,
    }


def needed_bytes(config: Config, *, model: LynxModel | None = None) -> int:
    """The most that a run's folder takes at any moment.

    model: the variant's on the meta device, built where not given.
    """
    model = model or meta_model_of(config)
    return most_bytes(stage_disk(config, stage, model=model) for stage in STAGE_NAMES) + REST


def most_bytes(stages: Iterable[Mapping[str, int]]) -> int:
    """The most that stages, trained in turn, take at any moment; stages: as of `stage_disk`.

    Checkpoints of one at a time, final files and logs of all.
    """
    most = kept = 0
    for sizes in stages:
        kept += sizes["final file"] + sizes["logs"]
        most = max(most, kept + sizes["checkpoints"])
    return most
