"""Kills a run ten times, and compares all it trained on with a run that was left alone.

`python -m benchmarks.killed_and_resumed` really trains a tiny Lynx. Every life has another number
of data workers (0, 1, 4), the world grows from one process to two and shrinks again, and some kills
hit the writing of a checkpoint. It ends with an error where one sample of one step differs.
"""

from __future__ import annotations

import argparse
import os
import pickle
import random
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers.utils.logging import disable_progress_bar

from benchmarks.trained_samples import Recorder, Step, differing_steps, history, read_lines
from lynx.config.schema import Config
from lynx.tracking.loggers import read_metrics
from lynx.tracking.run_dir import RunDir
from lynx.training import run as training
from tests.tiny import tiny_catalog, tiny_config

STAGE = "pretrain"
NUM_WORKERS = (0, 1, 4)  # in turn
GLOBAL_BATCH_SIZE = 8
CHECKPOINT_EVERY = 4  # steps
TOLERANCE = 1e-5  # of losses, once the number of processes has changed
_FEWEST_HITS = 3  # kills inside the writing of a checkpoint, where as many are planned
_PATIENCE = 180.0  # seconds without what is waited for
_LONGEST_PAUSE = 0.04  # seconds between the step that is waited for and the kill: about a step


@dataclass(frozen=True)
class Life:
    """One process from its start to its end, with its children; pickled for all of them."""

    number: int
    config: Config
    catalog: dict[str, Path]
    history_path: Path
    checkpoint_kill: bool  # else at any moment

    @property
    def label(self) -> str:
        data, hardware = self.config.data, self.config.hardware
        return f"life {self.number}: workers {data.num_workers}, world {hardware.devices}"


def live(path: Path) -> None:
    """Train from where the run is; the second process of a life is started with this too."""
    life: Life = pickle.loads(path.read_bytes())
    build = training.build_trainer

    def build_and_record(config: Config, stage: str, *, root: Path) -> Any:
        trainer = build(config, stage, root=root)
        trainer.callbacks.append(Recorder(life.history_path, life=life.number, stage=stage))
        return trainer

    training.build_trainer = build_and_record
    training.train(life.config, catalog=life.catalog, resume=True)


def start(life: Life, root: Path) -> int:
    """A fork, which has the imports already, in a group of its own; gives its process id."""
    path = root / f"{life.history_path.stem}{life.number:02d}.pickle"
    path.write_bytes(pickle.dumps(life))
    child = os.fork()
    if child:
        return child
    os.setsid()
    log = os.open(path.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.argv = [sys.argv[0], "--life", str(path)]  # what Lightning starts the second process with
    try:
        live(path)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(3)
    os._exit(0)


def wait_for(found: Callable[[], Any], child: int, what: str, *, pause: float = 0.002) -> Any:
    """What `found` gives once it is true; RuntimeError when the child ends or time runs out."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if value := found():
            return value
        if os.waitpid(child, os.WNOHANG)[0]:
            raise RuntimeError(f"a life ended by itself before {what}")
        time.sleep(pause)
    os.killpg(child, signal.SIGKILL)
    raise RuntimeError(f"{what} did not come in {_PATIENCE:.0f} s")


def unfinished(folder: Path) -> set[tuple[str, int]]:
    """Checkpoints that are being written, or were when a kill came: name and time of creation."""
    found = set()
    for path in folder.glob(".*.tmp"):
        try:
            found.add((path.name, path.stat().st_ctime_ns))
        except FileNotFoundError:  # renamed meanwhile
            continue
    return found


def kill(life: Life, child: int, rng: random.Random) -> str:
    """Kill the life and all its processes at its moment; tells what the kill hit."""
    folder = RunDir.of(life.config).checkpoint_dir(STAGE)

    def own() -> list[int]:
        lines = read_lines(life.history_path, STAGE)
        return [line["step"] for line in lines if line["life"] == life.number]

    before = unfinished(folder)
    if not life.checkpoint_kill and rng.random() < 0.2:
        time.sleep(rng.uniform(0, 1.5))  # most likely before the first step
    else:
        first = min(wait_for(own, child, "its first step"))
        last = life.config.stages.pretrain.steps - 2 * CHECKPOINT_EVERY
        target = min(first + rng.randint(2, 3 * CHECKPOINT_EVERY), last)
        wait_for(lambda: max(own()) >= target, child, f"step {target}")
        if life.checkpoint_kill:
            wait_for(lambda: unfinished(folder) - before, child, "a checkpoint", pause=0)
        else:
            time.sleep(rng.uniform(0, _LONGEST_PAUSE))
    os.killpg(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if status != signal.SIGKILL:
        raise RuntimeError(f"{life.label} had ended with {status} when it was to be killed")
    cut = unfinished(folder) - before
    return f"inside the writing of {min(cut)[0][1:-4]}" if cut else "between two writes"


def lives_of(root: Path, steps: int, num_kills: int, num_checkpoint_kills: int) -> list[Life]:
    """All lives of the run that is killed; the middle third of them has two processes."""
    catalog = tiny_catalog(root)
    lives = []
    for number in range(num_kills + 1):
        world = 2 if num_kills / 3 <= number < 2 * num_kills / 3 else 1
        # Every third kill and the last ones, until there are enough.
        left = num_kills - number
        planned = sum(life.checkpoint_kill for life in lives)
        at_checkpoint = number % 3 == 1 or left <= num_checkpoint_kills - planned
        config = config_of(root, "killed", steps, NUM_WORKERS[number % 3], world)
        lives.append(Life(number, config, catalog, root / "killed.jsonl", at_checkpoint))
    return lives


def config_of(root: Path, name: str, steps: int, num_workers: int, world: int) -> Config:
    """Training below `root/<name>`: micro batches of four, two in a step of one process."""
    return tiny_config(
        root,
        {
            "tracking.output_dir": str(root / name),
            "tracking.checkpoint_every_n_steps": CHECKPOINT_EVERY,
            "data.num_workers": num_workers,
            "hardware.devices": world,
            "hardware.strategy": "ddp" if world > 1 else "single",
            "stages.pretrain.steps": steps,
            "stages.resolution.steps": 1,
            "stages.instruct.steps": 1,
        },
    )


def run_killed(lives: Sequence[Life], root: Path, rng: random.Random) -> int:
    """All lives; the last one ends by itself. Gives how many kills hit a checkpoint's writing."""
    num_hits, previous = 0, RunDir.of(lives[0].config).path.parent
    for life in lives:
        # The setting was edited in a file of the variant, which then keeps its name.
        current = RunDir.of(life.config).path.parent
        if previous != current and previous.exists():
            previous.rename(current)
        previous = current
        began, child = time.monotonic(), start(life, root)
        if life is lives[-1]:
            what = ended(life, child, root)
        else:
            hit = kill(life, child, rng)
            what, num_hits = f"killed {hit}", num_hits + hit.startswith("inside")
        steps = [
            line["step"]
            for line in read_lines(life.history_path, STAGE)
            if line["life"] == life.number
        ]
        span = f"steps {min(steps)} to {max(steps)}" if steps else "no step yet"
        print(f"{life.label}, {span}, {what}, {time.monotonic() - began:.1f} s", flush=True)
    return num_hits


def ended(life: Life, child: int, root: Path) -> str:
    """Wait until the life has ended by itself."""
    status = os.waitpid(child, 0)[1]
    if status:
        log = root / f"{life.history_path.stem}{life.number:02d}.log"
        raise RuntimeError(f"{life.label} ended with {status}:\n{log.read_text()[-3000:]}")
    return "ended by itself"


def loss_difference(whole: RunDir, killed: RunDir, steps: dict[int, Step]) -> tuple[float, int]:
    """Largest difference of a step's loss, and how many steps have not the same bits though no
    step up to them had more than one process."""
    rows = [read_metrics(run.metrics_path(STAGE)) for run in (whole, killed)]
    expected, found = ({row["step"]: row["loss"] for row in one} for one in rows)
    if expected.keys() != found.keys():
        raise RuntimeError(f"logged steps differ: {len(expected)} and {len(found)}")
    first_of_two = min((n for n, step in steps.items() if step.world_size > 1), default=len(steps))
    largest = max(abs(expected[step] - found[step]) for step in expected)
    early = sum(expected[step] != found[step] for step in expected if step < first_of_two)
    return largest, early


def main(arguments: Sequence[str] | None = None) -> int:
    """Run both and print the verdict; 1 where a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--life", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--checkpoint-kills", type=int, default=4, help="of the kills, at least")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--folder", type=Path, help="for both runs; default: a temporary one")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    disable_progress_bar()
    os.environ |= {"WANDB_MODE": "disabled", "OMP_NUM_THREADS": "1"}
    if options.life is not None:
        live(options.life)
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        return compare(options.folder or Path(temporary), options)


def compare(root: Path, options: argparse.Namespace) -> int:
    """Both runs below `root`, and whether they agree."""
    config = config_of(root, "whole", options.steps, 0, 1)
    lives = lives_of(root, options.steps, options.kills, options.checkpoint_kills)
    undisturbed = Life(0, config, lives[0].catalog, root / "whole.jsonl", False)
    ended(undisturbed, start(undisturbed, root), root)
    print(f"undisturbed: {options.steps} steps, workers 0, world 1", flush=True)
    num_hits = run_killed(lives, root, random.Random(options.seed))
    whole, killed = (history(root / f"{name}.jsonl", STAGE) for name in ("whole", "killed"))
    differing = differing_steps(whole, killed)
    num_samples = sum(len(step.samples) for step in killed.values())
    planned = options.steps * GLOBAL_BATCH_SIZE
    largest, early = loss_difference(RunDir.of(config), RunDir.of(lives[-1].config), steps=killed)
    enough = min(_FEWEST_HITS, options.checkpoint_kills)
    checks = [
        (f"steps whose samples differ: {len(differing)} of {len(whole)}", not differing),
        (f"samples trained on: {num_samples} of {planned}", num_samples == planned),
        (f"kills inside the writing of a checkpoint: {num_hits}", num_hits >= enough),
        (f"losses before two processes whose bits differ: {early}", not early),
        (f"largest difference of a loss: {largest:.2g} <= {TOLERANCE:g}", largest <= TOLERANCE),
    ]
    for text, good in checks:
        print(f"{'ok    ' if good else 'FAILED'} {text}")
    same = all(good for _, good in checks)
    print(f"verdict: {'the same run' if same else 'NOT the same run'}")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
