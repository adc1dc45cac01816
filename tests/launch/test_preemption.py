"""Tests that a run which torchrun or SLURM stops and starts again ends as if left alone.

Real processes (two on CPUs, gloo) and real signals; SLURM's programs are stand-ins.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from lynx.cli.runs import composed
from lynx.config.schema import STAGE_NAMES, Config
from lynx.tracking.loggers import read_metrics
from lynx.tracking.run_dir import RunDir
from lynx.tracking.stopping import STOPPED_STATUS
from lynx.training.checkpoint_io import latest_checkpoint
from lynx.training.stages import final_path
from tests.color_run import write_benchmark
from tests.launch.fake_slurm import JOB_ID, FakeSlurm
from tests.tiny import TINY_OVERRIDES, tiny_catalog, write_backbones
from tests.training.interrupted_run import wait_for_step

BIN = Path(sys.executable).parent
STEPS = 30
TORCHRUN = [BIN / "torchrun", "--standalone", "--nproc-per-node=2", BIN / "lynx"]


def overrides(root: Path) -> list[str]:
    """A tiny Lynx on two processes, with real shards and nine questions, as KEY=VALUE."""
    shards = {name: str(folder) for name, folder in tiny_catalog(root).items()}
    (root / "catalog.yaml").write_text(yaml.safe_dump({"sources": shards}))
    values = {key: value for key, value in TINY_OVERRIDES.items() if "." in key}
    values |= write_backbones(root / "backbones")
    values |= {
        "data.catalog": root / "catalog.yaml",
        "hardware.precision": "fp32",
        "tracking.log_every_n_steps": 3,
        "tracking.checkpoint_every_n_steps": 4,
        "evaluation.benchmarks.open_vqa_video.kind": "image",
    }
    for name in ("image", "video"):
        (root / name).mkdir()
        questions = write_benchmark(root / name)
        values[f"evaluation.benchmarks.open_vqa_{name}.questions"] = questions
        values[f"evaluation.generation.open_vqa_{name}.max_new_tokens"] = 2
    for stage, steps in zip(STAGE_NAMES, (STEPS, 1, 1), strict=True):
        sizes = {"steps": steps, "global_batch_size": 8, "micro_batch_size": 2}
        values |= {f"stages.{stage}.{key}": value for key, value in sizes.items()}
    return [f"{key}={value}" for key, value in values.items()]


@dataclass(frozen=True)
class Story:
    """What each start printed and how it ended, and the two folders to compare."""

    whole: RunDir
    broken: RunDir
    statuses: list[int]
    torchrun: str
    log: str
    requeued: list[list[str]]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """One run left alone; another that torchrun and twice SLURM are told to stop."""
    root = tmp_path_factory.mktemp("preemption")
    values, slurm = overrides(root), FakeSlurm(root / "slurm")
    threads = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "WANDB_MODE": "disabled"}
    environment = slurm.install() | threads

    def configured(name: str) -> tuple[Config, list[str]]:
        own = [*values, f"tracking.output_dir={root / name}"]
        return composed("lynx", scale="desk", overrides=own), own

    whole, own = configured("whole")
    subprocess.run([*TORCHRUN, "train", "lynx", *own], env=environment, check=True, timeout=600)
    config, own = configured("broken")
    broken = RunDir.of(config)
    first = subprocess.Popen(
        [*TORCHRUN, "train", "lynx", *own], env=environment, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    wait_for_step(broken, 2)
    first.send_signal(signal.SIGTERM)
    torchrun, _ = first.communicate(timeout=300)
    statuses, requeued = [first.returncode], []

    submitted = subprocess.run(
        [BIN / "lynx", "launch", "lynx", *own, "--slurm", "PARTITION=cpu"], env=environment,
        capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    assert f"submitted: job {JOB_ID};" in submitted.stdout
    for step, number in ((11, signal.SIGTERM), (20, signal.SIGUSR1), (None, None)):
        job = slurm.start(environment)
        if step is not None and number is not None:
            wait_for_step(broken, step)
            slurm.signal_tasks(number)
        statuses.append(job.wait(timeout=600))
        requeued.append(slurm.requeued())
    return Story(RunDir.of(whole), broken, statuses, torchrun, slurm.log.read_text(), requeued)


def test_a_run_that_was_stopped_three_times_ends_with_the_same_bits(story: Story) -> None:
    for stage in STAGE_NAMES:
        rows = [read_metrics(run.metrics_path(stage)) for run in (story.whole, story.broken)]
        for row in [*rows[0], *rows[1]]:
            del row["samples_per_second"]
        assert rows[0] == rows[1] != []
        whole, broken = (final_path(run, stage) for run in (story.whole, story.broken))
        assert whole.read_bytes() == broken.read_bytes()


def test_torchrun_waits_for_the_step_and_its_state(story: Story) -> None:
    assert story.statuses[0] == 1  # torchrun's own, whatever its processes say
    said = "error: stage pretrain was stopped by a signal after step"
    assert story.torchrun.count(said) == 1, story.torchrun[-3000:]
    assert "forcefully exiting" not in story.torchrun


def test_a_job_that_was_told_to_stop_is_requeued_and_says_so(story: Story) -> None:
    assert story.statuses[1:] == [STOPPED_STATUS, STOPPED_STATUS, 0], story.log[-3000:]
    assert story.requeued == [[f"requeue {JOB_ID}"], [f"requeue {JOB_ID}"], []]
    said = "error: stage pretrain was stopped by a signal after step"
    assert story.log.count(said) == 2  # rank zero alone
    assert story.log.count("pretrain: going on from step") == 3


def test_the_job_evaluates_what_it_has_trained_on_all_processes(story: Story) -> None:
    assert (story.broken.eval_dir("open_vqa_image") / "scores.json").is_file()
    assert story.log.count("evaluated: ") == 1
    assert latest_checkpoint(story.broken.checkpoint_dir("pretrain")) is None
