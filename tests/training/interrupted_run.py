"""Script of test_resume: trains uninterrupted and, elsewhere, through kill -9 and SIGTERM."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from lynx.config.schema import Config
from lynx.tracking.loggers import read_metrics
from lynx.tracking.run_dir import RunDir
from lynx.training.run import train
from tests.tiny import tiny_catalog, tiny_config

STEPS = 24


def config_below(root: Path, name: str) -> Config:
    """A first stage long enough to be interrupted, with accumulation, clipping and drop path.

    Losses per source are summed over three steps, so a checkpoint falls within such a sum.
    """
    changes = {
        "tracking.output_dir": str(root / name),
        "tracking.checkpoint_every_n_steps": 4,
        "tracking.log_every_n_steps": 3,
        "stages.pretrain.steps": STEPS,
        "stages.pretrain.trainable.vision_encoder": True,
        "stages.resolution.steps": 3,
        "stages.instruct.steps": 1,
        "model.vision_encoder.drop_path_rate": 0.3,
        "optimizer.gradient_clip": 1.0,
    }
    return tiny_config(root, changes)


def in_child(config: Config, catalog: dict[str, Path], *, resume: bool) -> int:
    """Train in a fork, which has the imports already; gives its process id."""
    child = os.fork()
    if child == 0:
        try:
            train(config, resume=resume, catalog=catalog)
        except BaseException as error:
            print(f"child: {error}", flush=True)
            os._exit(3)
        os._exit(0)
    return child


def wait_for_step(run_dir: RunDir, step: int) -> None:
    """Until the stage has logged a row of this step."""
    path, deadline = run_dir.metrics_path("pretrain"), time.monotonic() + 300
    while time.monotonic() < deadline:
        if any(row["step"] >= step for row in read_metrics(path)):
            return
        time.sleep(0.002)
    raise TimeoutError(f"no step {step} in {path}")


def main(root: Path) -> None:
    """Run both, and print how the children ended."""
    catalog = tiny_catalog(root)
    whole, broken = config_below(root, "whole"), config_below(root, "broken")
    endings = [os.waitpid(in_child(whole, catalog, resume=False), 0)[1]]
    for step, number in ((8, signal.SIGKILL), (14, signal.SIGTERM)):
        child = in_child(broken, catalog, resume=step > 8)
        wait_for_step(RunDir.of(broken), step)
        os.kill(child, number)
        endings.append(os.waitpid(child, 0)[1])
    endings.append(os.waitpid(in_child(broken, catalog, resume=True), 0)[1])
    print("endings", *endings)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
