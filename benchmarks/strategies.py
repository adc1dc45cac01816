"""Trains a tiny Lynx with every strategy and split of a step, and tells how far they differ.

`python -m benchmarks.strategies` really trains, with DDP and DeepSpeed's ZeRO on two and four CPU
processes over gloo, and compares with one process. Accumulation and clipping are on; the samples
are those of `HardMicroBatches`. It ends with an error where a difference is too large.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers.utils.logging import disable_progress_bar

from benchmarks.connected import fork_ranks, wait_for_all
from benchmarks.recorded_training import CHECKPOINT_EVERY, GLOBAL_BATCH_SIZE, train_recorded
from lynx.config.schema import STAGE_NAMES, Config
from lynx.data.build import build_data_module
from lynx.model.build import load_tokenizer
from lynx.tracking.loggers import read_metrics
from lynx.tracking.run_dir import RunDir
from lynx.training.stages import final_path
from tests.tiny import tiny_catalog, tiny_config

LIMITS = {"fp32": 1e-4, "bf16": 3e-2}  # of losses
_STEPS_AFTER = {"resolution": 5, "instruct": 1}  # the vision encoder is trained in the former


@dataclass(frozen=True)
class Variant:
    """A strategy and a split of the step's eight samples; `like` names what it must equal."""

    processes: int
    micro_batch_size: int
    changes: Mapping[str, Any] = field(default_factory=dict)
    like: str = "one process"

    @property
    def precision(self) -> str:
        return str(self.changes.get("hardware.precision", "fp32"))


def _zero(stage: int, **more: Any) -> dict[str, Any]:
    settings = {"strategy": "deepspeed", "zero_stage": stage, **more}
    return {f"hardware.{key}": value for key, value in settings.items()}


_DDP = {"hardware.strategy": "ddp"}
_BF16 = {"precision": "bf16", "frozen_dtype": "bf16"}
_ROUNDED = {f"hardware.{key}": value for key, value in _BF16.items()}
_CHECKPOINTED = {"hardware.gradient_checkpointing": True}
VARIANTS = {
    "one process": Variant(1, 8),
    "one process, 4 micro batches": Variant(1, 2),
    "one process, recomputing": Variant(1, 8, _CHECKPOINTED),
    "one process, bf16": Variant(1, 8, _ROUNDED),
    "DDP": Variant(2, 2, _DDP),
    "DDP, whole": Variant(2, 4, _DDP),
    "DDP, recomputing": Variant(2, 4, _DDP | _CHECKPOINTED),
    "DDP, bf16": Variant(2, 2, _DDP | _ROUNDED, like="one process, bf16"),
    **{f"ZeRO-{stage}": Variant(2, 2, _zero(stage)) for stage in (1, 2, 3)},
    "ZeRO-2, whole": Variant(2, 4, _zero(2)),
    **{f"ZeRO-{n}, offload": Variant(2, 2, _zero(n, offload=True)) for n in (1, 2, 3)},
    **{f"ZeRO-{n}, recomputing": Variant(2, 2, _zero(n) | _CHECKPOINTED) for n in (1, 2, 3)},
    **{
        f"ZeRO-{stage}, bf16": Variant(2, 2, _zero(stage, **_BF16), like="one process, bf16")
        for stage in (1, 2, 3)
    },
    "ZeRO-3, offload, recomputing": Variant(2, 2, _zero(3, offload=True) | _CHECKPOINTED),
    "DDP on four": Variant(4, 2, _DDP),
    **{f"ZeRO-{stage} on four": Variant(4, 2, _zero(stage)) for stage in (1, 2, 3)},
    "ZeRO-2 on four, singly": Variant(4, 1, _zero(2)),
}


@dataclass(frozen=True)
class Trained:
    """What a variant's training left below `folder`."""

    folder: Path

    @cached_property
    def run_dir(self) -> RunDir:
        return RunDir(next(self.folder.glob("desk/*/seed0")))

    def column(self, name: str) -> Tensor:
        """(steps of all stages,) of a logged quantity."""
        rows = [row for stage in STAGE_NAMES for row in self.rows(stage)]
        return torch.tensor([float(row[name]) for row in rows], dtype=torch.float64)

    def rows(self, stage: str) -> list[dict[str, Any]]:
        return read_metrics(self.run_dir.metrics_path(stage))

    def final(self, stage: str) -> dict[str, Tensor]:
        return load_file(final_path(self.run_dir, stage))

    def recorded(self, stage: str, what: str) -> dict[str, Tensor]:
        """`gradients` or `weights`, by `<step>/<name>`."""
        return load_file(self.folder / "recorded" / stage / f"{what}.safetensors")

    def facts(self, stage: str) -> dict[str, Any]:
        path = self.folder / "recorded" / stage / "facts.json"
        loaded: dict[str, Any] = json.loads(path.read_text())
        return loaded


@dataclass(frozen=True)
class Difference:
    """The largest differences of two trainings over all steps and stages."""

    loss: float
    gradient_norm: float  # as a share of the norm
    gradients: float  # of any element, as a share of its tensor's largest
    weights: float


def difference(expected: Trained, found: Trained) -> Difference:
    """Of two trainings with equal steps."""
    pairs = [(expected.column(name), found.column(name)) for name in ("loss", "gradient_norm")]
    weights = gradients = 0.0
    for stage in STAGE_NAMES:
        one, other = expected.final(stage), found.final(stage)
        assert one.keys() == other.keys()
        weights = max(weights, *(float((one[name] - other[name]).abs().max()) for name in one))
        one, other = (each.recorded(stage, "gradients") for each in (expected, found))
        assert one.keys() == other.keys()
        for name, gradient in one.items():
            scale = float(gradient.abs().max().clamp(min=1e-8))
            gradients = max(gradients, float((gradient - other[name]).abs().max()) / scale)
    (loss, other_loss), (norm, other_norm) = pairs
    return Difference(
        loss=float((loss - other_loss).abs().max()),
        gradient_norm=float(((norm - other_norm) / norm).abs().max()),
        gradients=gradients,
        weights=weights,
    )


def config_of(root: Path, variant: Variant, folder: Path, *, steps: int) -> Config:
    """Three stages below `folder`, on the recipe with images, videos and text."""
    changes = {
        "tracking.output_dir": str(folder),
        "tracking.checkpoint_every_n_steps": CHECKPOINT_EVERY,
        "hardware.devices": variant.processes,
        "stages.pretrain.recipe": "instruct",
        # Every step is clipped, and AdamW's update isn't blind to the gradient's scale.
        "optimizer.gradient_clip": 0.2,
        "optimizer.eps": 1e-4,
    }
    for stage, number in ({"pretrain": steps} | _STEPS_AFTER).items():
        changes[f"stages.{stage}.steps"] = min(number, steps)
        changes[f"stages.{stage}.micro_batch_size"] = variant.micro_batch_size
        changes[f"stages.{stage}.global_batch_size"] = GLOBAL_BATCH_SIZE
    return tiny_config(root, changes | dict(variant.changes))


def train_all(root: Path, *, steps: int, names: Sequence[str] = tuple(VARIANTS)) -> None:
    """Train the variants below `root/<name>`, those of as many processes in one set of forks."""
    catalog = tiny_catalog(root / "data")
    configs = {
        name: config_of(root / "data", VARIANTS[name], root / name, steps=steps) for name in names
    }
    warm_up(next(iter(configs.values())), catalog)
    for world_size in sorted({VARIANTS[name].processes for name in names}):
        chosen = [config for name, config in configs.items()
                  if VARIANTS[name].processes == world_size]  # fmt: skip

        def work(chosen: Sequence[Config] = chosen) -> None:
            for config in chosen:
                train_recorded(config, catalog)

        log_path = root / f"{world_size}.log"
        wait_for_all(fork_ranks(work, world_size=world_size, log_path=log_path), log_path)


def warm_up(config: Config, catalog: Mapping[str, Path]) -> None:
    """Have what every fork would work out for itself: the order of each stage's samples."""
    tokenizer = load_tokenizer(config.model.language_model.checkpoint)
    for stage in STAGE_NAMES:
        data = build_data_module(
            config, stage, catalog=catalog, tokenizer=tokenizer,
            num_queries=config.model.resampler.num_queries, rank=0, world_size=1,
        )  # fmt: skip
        next(iter(data.batches()))


def quieten() -> None:
    """No W&B, no bars, one thread: processes that share cores must not spin."""
    torch.set_num_threads(1)
    disable_progress_bar()
    os.environ |= {"WANDB_MODE": "disabled", "OMP_NUM_THREADS": "1"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Train and print the table; 1 where a difference is too large."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=50, help="of the first stage")
    parser.add_argument("--folder", type=Path, help="for the runs; default: a temporary one")
    options = parser.parse_args(arguments)
    quieten()
    with tempfile.TemporaryDirectory() as temporary:
        root = options.folder or Path(temporary)
        train_all(root, steps=options.steps)
        return _print_table(root)


def _print_table(root: Path) -> int:
    heads = ("loss", "gradient norm", "gradients", "weights")
    print(f"{'largest difference of':39}" + "".join(f"{head:>15}" for head in heads))
    bad = 0
    for name, variant in VARIANTS.items():
        if name == variant.like:
            continue
        found = difference(Trained(root / variant.like), Trained(root / name))
        parts = GLOBAL_BATCH_SIZE // variant.processes // variant.micro_batch_size
        split = f"{variant.processes} x {variant.micro_batch_size} x {parts}"
        figures = "".join(f"{value:15.1e}" for value in vars(found).values())
        ok = found.loss <= LIMITS[variant.precision]
        bad += not ok
        print(f"{name:30}{split:9}{figures}{'' if ok else '  TOO LARGE'}")
    print("split: processes x samples of a micro batch x micro batches of a step")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
