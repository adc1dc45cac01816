"""Where the files of a run lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from lynx.config.compose import compose
from lynx.config.paths import repository_root
from lynx.tracking.run_dir import RunDir


def test_a_run_is_found_by_scale_variant_and_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LYNX_RUNS", raising=False)
    path = RunDir.of(compose(ablation="noisy_data", scale="gpu", seed=2)).path
    assert path == repository_root() / "runs" / "gpu" / "noisy_data" / "seed2"


def test_overrides_never_share_a_folder_with_the_plain_variant() -> None:
    plain = RunDir.of(compose()).path
    changed = RunDir.of(compose(overrides=["optimizer.weight_decay=0.0"])).path
    assert plain != changed and plain.parent.parent == changed.parent.parent


def test_the_output_folder_can_be_anywhere(tmp_path: Path) -> None:
    run_dir = RunDir.of(compose(overrides=[f"tracking.output_dir={tmp_path}"]))
    assert run_dir.path == tmp_path / "desk" / "lynx" / "seed0"


def test_no_two_things_of_a_run_lie_at_one_path(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    paths = [
        run.config_path, run.diff_path, run.manifest_path, run.log_path, run.wandb_dir,
        run.eval_dir("a"), run.eval_dir("a", "swapped"), run.eval_dir("b"),
        *(run.stage_dir(stage) for stage in ("pretrain", "instruct")),
        *(run.metrics_path(stage) for stage in ("pretrain", "instruct")),
        *(run.checkpoint_dir(stage) for stage in ("pretrain", "instruct")),
        *(run.stage_record_path(stage) for stage in ("pretrain", "instruct")),
    ]  # fmt: skip
    assert len(set(paths)) == len(paths)


def test_a_stage_is_complete_when_its_record_is_there(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    run.checkpoint_dir("pretrain").mkdir(parents=True)
    assert not run.is_complete("pretrain")
    run.stage_record_path("pretrain").write_text("{}")
    assert run.is_complete("pretrain") and not run.is_complete("instruct")
