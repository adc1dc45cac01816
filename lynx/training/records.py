"""What a run leaves about itself: its description, and figures of the stages that it trains."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import torch
from lightning.pytorch.utilities.rank_zero import rank_zero_only

from lynx.config.compose import config_text
from lynx.config.schema import Config
from lynx.data.module import LynxDataModule
from lynx.data.tally import RealisedMix
from lynx.tracking.files import write_text_atomic
from lynx.tracking.manifest import git_state, write_manifest
from lynx.tracking.run_dir import RunDir
from lynx.training.callbacks import StepLog


@rank_zero_only
def write_description(
    config: Config, run_dir: RunDir, *, diff_text: str, identities: Mapping[str, str]
) -> None:
    """What the run is: configuration, difference, and what it is made of.

    Written when a stage is trained or taken over: a run that is already trained keeps its own.
    identities: of the backbones' weights.
    """
    write_text_atomic(run_dir.config_path, config_text(config))
    write_text_atomic(run_dir.diff_path, diff_text)
    write_manifest(run_dir, command=sys.argv, fingerprints={"backbones": dict(identities)})


def stage_figures(
    step_log: StepLog, data: LynxDataModule, mix: RealisedMix, *, samples: int
) -> dict[str, Any]:
    """Figures of a complete stage, for its record, that rank zero knows."""
    gpu = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0
    return {
        "wall_seconds": round(step_log.seconds, 1),
        "samples_per_second": round(samples / max(step_log.seconds, 1e-9), 2),
        "peak_gpu_memory_bytes": gpu,
        "final_loss": step_log.loss,
        "realised_mix": mix.samples,
        "realised_tokens": mix.tokens,
        "useful_tokens": round(mix.useful_share, 4),
        "unreadable": data.unreadable(),
        "unreadable_samples": sum(data.unreadable().values()),
        "data_fingerprint": data.fingerprint,
        "git": git_state(),
        "reused_from": None,
    }
