"""Script of test_devices: trains on two CPU processes with DDP and with DeepSpeed's ZeRO."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from lynx.training.run import train
from tests.tiny import tiny_catalog, tiny_config

VARIANTS = {
    "ddp": {"hardware.strategy": "ddp"},
    "zero2": {"hardware.strategy": "deepspeed", "hardware.zero_stage": 2},
    "zero3": {"hardware.strategy": "deepspeed", "hardware.zero_stage": 3},
}
# Two samples a step and process, one at a time: some micro batches hold text alone.
STEPS = {"pretrain": 4, "resolution": 1, "instruct": 1}
SPLIT = {f"stages.{stage}.micro_batch_size": 1 for stage in STEPS}
SPLIT |= {f"stages.{stage}.global_batch_size": 4 for stage in STEPS}
SPLIT |= {f"stages.{stage}.steps": steps for stage, steps in STEPS.items()}


def main(root: Path) -> None:
    """Train each variant below `root/<name>`; the second process runs this same script."""
    first = "LOCAL_RANK" not in os.environ
    folder = root / "data"
    catalog = tiny_catalog(folder) if first else None
    if catalog is None:
        catalog = {path.name: path for path in (folder / "shards").iterdir()}
    for name, changes in VARIANTS.items():
        devices = {"hardware.devices": 2, "tracking.output_dir": str(root / name)}
        train(tiny_config(root, SPLIT | devices | changes), catalog=catalog)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
