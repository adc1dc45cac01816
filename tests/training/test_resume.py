"""Tests that an interrupted run ends with the same bits as one that was left alone."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from lynx.config.errors import LynxError
from lynx.config.schema import STAGE_NAMES, Config
from lynx.model.build import build_model
from lynx.tracking.loggers import read_metrics
from lynx.tracking.run_dir import RunDir
from lynx.training import module as training_module
from lynx.training.build import build_module, build_trainer
from lynx.training.checkpoint_io import (
    AtomicCheckpointIO,
    checkpoint_path,
    latest_checkpoint,
    remove_checkpoints,
)
from lynx.training.module import LynxTrainingModule
from lynx.training.run import train
from lynx.training.stages import final_path
from tests.tiny import tiny_catalog, tiny_config
from tests.training import interrupted_run, on_two_processes

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


def test_two_processes_killed_and_resumed_give_the_same_bits(tmp_path: Path) -> None:
    tiny_catalog(tmp_path)

    def start(name: str) -> subprocess.Popen[str]:
        script = [sys.executable, "-m", "tests.training.on_two_processes", str(tmp_path), name]
        return subprocess.Popen(script, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)

    first = start("broken")
    broken = RunDir.of(on_two_processes.config_below(tmp_path, "broken"))
    interrupted_run.wait_for_step(broken, 17)  # the last checkpoint is of step 16, within a sum
    first.kill()
    assert first.wait() == -signal.SIGKILL
    for name in ("broken", "whole"):
        done = start(name)
        out, _ = done.communicate(timeout=300)
        assert done.returncode == 0
        assert ("going on from" in out) == (name == "broken")
    whole = RunDir.of(on_two_processes.config_below(tmp_path, "whole"))
    rows = [read_metrics(run.metrics_path("pretrain")) for run in (whole, broken)]
    for row in [*rows[0], *rows[1]]:
        del row["samples_per_second"]
    assert rows[0] == rows[1]
    for stage in STAGE_NAMES:
        assert final_path(whole, stage).read_bytes() == final_path(broken, stage).read_bytes()


def module_of(root: Path, *, key: str = "k", micro_batch_size: int = 4) -> LynxTrainingModule:
    """A module with its trainer, as a stage makes them."""
    config = tiny_config(root, {"stages.pretrain.micro_batch_size": micro_batch_size})
    model = build_model(config, seed=0)
    module = build_module(config, "pretrain", model=model, source_names=("a", "b"), key=key)
    module.trainer = build_trainer(config, "pretrain", root=root)
    return module


def saved_by(module: LynxTrainingModule, *, step: int = 0) -> dict[str, Any]:
    """What the module's hook adds to a checkpoint of Lightning's."""
    counts = {name: dict.fromkeys(("ready", "completed"), 99) for name in ("total", "current")}
    loops = {"fit_loop": {"epoch_loop.batch_progress": counts}}
    checkpoint: dict[str, Any] = {"global_step": step, "loops": loops}
    module.on_save_checkpoint(checkpoint)
    return checkpoint


def test_a_checkpoint_of_other_settings_is_refused(tmp_path: Path) -> None:
    checkpoint = saved_by(module_of(tmp_path, key="one"))
    module_of(tmp_path, key="one").on_load_checkpoint(checkpoint)
    with pytest.raises(LynxError, match="--resume: the checkpoint was written with other settings"):
        module_of(tmp_path, key="two").on_load_checkpoint(checkpoint)


def test_processes_that_are_about_to_train_different_stages_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = module_of(tmp_path, key="one")
    module.on_fit_start()
    monkeypatch.setattr(training_module, "gathered", lambda key: [key, "two"])
    with pytest.raises(LynxError, match="are about to train different stages"):
        module.on_fit_start()


def test_micro_batches_are_counted_as_the_step_is_split_now(tmp_path: Path) -> None:
    checkpoint = saved_by(module_of(tmp_path), step=3)
    module_of(tmp_path, micro_batch_size=1).on_load_checkpoint(checkpoint)
    counts = checkpoint["loops"]["fit_loop"]["epoch_loop.batch_progress"]
    assert counts["total"] == counts["current"] == {"ready": 24, "completed": 24}


def test_each_rank_goes_on_with_its_sums_and_with_other_ranks_one_takes_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = module_of(tmp_path)
    module.losses.update(torch.tensor([1.0, 2.0, 4.0]), torch.tensor([0, 1, 1]))
    checkpoint = saved_by(module)
    same, first, second = (module_of(tmp_path) for _ in range(3))
    same.on_load_checkpoint(checkpoint)
    assert torch.equal(same.losses.sources, module.losses.sources)
    checkpoint["losses"] *= 2  # of two ranks, and now there is one
    first.on_load_checkpoint(checkpoint)
    assert torch.equal(first.losses.step, 2 * module.losses.step)
    assert torch.equal(first.losses.sources, 2 * module.losses.sources)
    monkeypatch.setattr(type(second), "global_rank", 1)
    second.on_load_checkpoint(checkpoint)
    assert not second.losses.sources.any()


def signalled(
    module: LynxTrainingModule,
    optimizer: Any,
    *,
    before: Callable[..., None] = LynxTrainingModule.on_before_optimizer_step,
) -> None:
    before(module, optimizer)
    signal.raise_signal(signal.SIGTERM)


def test_a_signal_in_a_step_that_is_saved_anyway_saves_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DeepSpeed's folders can't take each other's place, and there is no other checkpoint then."""
    saved, save = [], AtomicCheckpointIO.save_checkpoint

    def noted(io: AtomicCheckpointIO, content: Any, path: Path, **options: Any) -> None:
        saved.append(path.name)
        save(io, content, path, **options)

    monkeypatch.setattr(AtomicCheckpointIO, "save_checkpoint", noted)
    monkeypatch.setattr(LynxTrainingModule, "on_before_optimizer_step", signalled)
    config = tiny_config(tmp_path, {"tracking.checkpoint_every_n_steps": 1})
    with pytest.raises(LynxError, match="stopped by a signal after step 1"):
        train(config, catalog=tiny_catalog(tmp_path))
    assert saved == ["step00000001.ckpt"]
    latest = latest_checkpoint(RunDir.of(config).checkpoint_dir("pretrain"))
    assert latest is not None and latest.name == saved[0]


@pytest.mark.parametrize("sizes", [(8, 4), (4, 8)])
def test_a_stage_goes_on_with_another_micro_batch_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, int]
) -> None:
    """The same steps as without a break, up to rounding."""
    catalog = tiny_catalog(tmp_path)

    def config_of(name: str, micro_batch_size: int) -> Config:
        stages = {f"stages.{stage}.steps": 1 for stage in STAGE_NAMES[1:]}
        own = {
            "tracking.output_dir": str(tmp_path / name),
            "stages.pretrain.steps": 5,
            "stages.pretrain.micro_batch_size": micro_batch_size,
        }
        return tiny_config(tmp_path, stages | own)

    whole = train(config_of("whole", sizes[1]), catalog=catalog)
    configs = [config_of("broken", size) for size in sizes]
    with monkeypatch.context() as patch:
        patch.setattr(LynxTrainingModule, "on_before_optimizer_step", signalled)
        with pytest.raises(LynxError, match="stopped by a signal after step 1 of 5"):
            train(configs[0], catalog=catalog)
    # The size was edited in a file of the variant, which then keeps its name.
    RunDir.of(configs[0]).path.parent.rename(RunDir.of(configs[1]).path.parent)
    broken = train(configs[1], catalog=catalog, resume=True)
    assert "pretrain: going on from step00000001.ckpt" in broken.log_path.read_text()
    for name in ("loss", "gradient_norm"):
        rows = [read_metrics(run.metrics_path("pretrain")) for run in (whole, broken)]
        expected, found = (torch.tensor([row[name] for row in one]) for one in rows)
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-3)


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
    (tmp_path / ".final.safetensors.abc.tmp").write_bytes(b"cut")
    newest = latest_checkpoint(tmp_path)
    assert newest is not None and AtomicCheckpointIO().load_checkpoint(newest) == {"step": 10}
    remove_checkpoints(tmp_path, keep=newest)
    assert list(tmp_path.iterdir()) == [newest]


def test_the_process_gets_its_signal_handler_back(tmp_path: Path) -> None:
    """Lightning's own handler waits for other ranks, for ever where they are between two stages."""
    before = signal.getsignal(signal.SIGTERM)
    train(tiny_config(tmp_path), catalog=tiny_catalog(tmp_path))
    assert signal.getsignal(signal.SIGTERM) == before
