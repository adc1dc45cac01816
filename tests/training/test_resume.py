"""Tests that an interrupted run ends with the same bits as one that was left alone."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lynx.config.errors import LynxError
from lynx.config.schema import STAGE_NAMES
from lynx.model.build import build_model
from lynx.tracking.loggers import read_metrics
from lynx.tracking.run_dir import RunDir
from lynx.training.build import build_module
from lynx.training.checkpoint_io import (
    AtomicCheckpointIO,
    checkpoint_path,
    latest_checkpoint,
    remove_checkpoints,
)
from lynx.training.run import train
from lynx.training.stages import final_path
from tests.tiny import tiny_catalog, tiny_config

REPOSITORY = Path(__file__).parents[2]


def test_kill_and_sigterm_then_resume_give_the_same_bits(tmp_path: Path) -> None:
    script = [sys.executable, "-m", "tests.training.interrupted_run", str(tmp_path)]
    done = subprocess.run(
        script, cwd=REPOSITORY, capture_output=True,
        text=True, timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert f"endings 0 {int(signal.SIGKILL)} {3 << 8} 0" in done.stdout, done.stdout[-3000:]
    assert "was stopped by a signal after step" in done.stdout
    assert done.stdout.count("pretrain: going on from") == 2
    whole, broken = (
        RunDir(next(tmp_path.glob(f"{name}/desk/*/seed0"))) for name in ("whole", "broken")
    )
    for stage in STAGE_NAMES:
        rows = [read_metrics(run.metrics_path(stage)) for run in (whole, broken)]
        for row in [*rows[0], *rows[1]]:
            del row["samples_per_second"]
        assert rows[0] == rows[1]
        assert final_path(whole, stage).read_bytes() == final_path(broken, stage).read_bytes()
    assert not list(broken.path.rglob("*.tmp"))


def test_a_checkpoint_of_other_settings_is_refused(tmp_path: Path) -> None:
    config = tiny_config(tmp_path)
    modules = [
        build_module(config, "pretrain", model=build_model(config, seed=0), source_names=(), key=k)
        for k in ("one", "two")
    ]
    checkpoint: dict = {}
    modules[0].on_save_checkpoint(checkpoint)
    modules[0].on_load_checkpoint(checkpoint)
    with pytest.raises(LynxError, match="--resume: the checkpoint was written with other settings"):
        modules[1].on_load_checkpoint(checkpoint)


def test_a_checkpoint_holds_no_frozen_tensor(tmp_path: Path) -> None:
    config = tiny_config(tmp_path)
    model = build_model(config, seed=0)
    module = build_module(config, "pretrain", model=model, source_names=("a",), key="k")
    expected = {f"model.{name}" for name, p in model.named_parameters() if p.requires_grad}
    assert set(module.state_dict()) == expected


def test_unfinished_checkpoints_are_not_found_and_are_cleared_away(tmp_path: Path) -> None:
    for step in (2, 10):
        AtomicCheckpointIO().save_checkpoint({"step": step}, checkpoint_path(tmp_path, step))
    (tmp_path / ".step00000012.ckpt.abc.tmp").write_bytes(b"cut")
    (tmp_path / ".step00000012.ckpt.tmp").mkdir()
    newest = latest_checkpoint(tmp_path)
    assert newest is not None and AtomicCheckpointIO().load_checkpoint(newest) == {"step": 10}
    remove_checkpoints(tmp_path, keep=newest)
    assert list(tmp_path.iterdir()) == [newest]


def test_the_process_gets_its_signal_handler_back(tmp_path: Path) -> None:
    """Lightning's own handler waits for other ranks, for ever where they are between two stages."""
    before = signal.getsignal(signal.SIGTERM)
    train(tiny_config(tmp_path), catalog=tiny_catalog(tmp_path))
    assert signal.getsignal(signal.SIGTERM) == before
