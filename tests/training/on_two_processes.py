"""Script of test_resume: trains on two CPU processes, and can be killed and started again."""

from __future__ import annotations

import sys
from pathlib import Path

from lynx.config.schema import Config
from lynx.training.run import train
from tests.tiny import tiny_config

STEPS = 40


def config_below(root: Path, name: str) -> Config:
    """A first stage to be killed in; a checkpoint falls within the sums of a log."""
    changes = {
        "tracking.output_dir": str(root / name),
        "tracking.checkpoint_every_n_steps": 4,
        "tracking.log_every_n_steps": 3,
        "hardware.strategy": "ddp",
        "hardware.devices": 2,
        "stages.pretrain.steps": STEPS,
        "stages.resolution.steps": 1,
        "stages.instruct.steps": 1,
    }
    changes |= {f"stages.{name}.micro_batch_size": 2 for name in ("pretrain", "resolution")}
    return tiny_config(root, changes | {"stages.instruct.micro_batch_size": 2})


def main(root: Path, name: str) -> None:
    """Train below `root/<name>`, going on from what is there; the second process runs this too."""
    catalog = {path.name: path for path in (root / "shards").iterdir()}
    train(config_below(root, name), catalog=catalog, resume=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
