"""The audit finds that a log is what recipe, seed and position make, and what was tampered with."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from lynx.config.errors import LynxError
from lynx.config.schema import STAGE_NAMES
from lynx.tracking.run_dir import RunDir
from lynx.training.checkpoint_io import remove_checkpoints
from lynx.training.mix_audit import audit_run, audit_text
from lynx.training.module import LynxTrainingModule
from lynx.training.run import train
from tests.tiny import tiny_catalog, tiny_config


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunDir, dict[str, Path]]:
    root = tmp_path_factory.mktemp("audit")
    catalog = tiny_catalog(root)
    return train(tiny_config(root), catalog=catalog), catalog


def test_an_honest_log_is_equal_in_samples_and_tokens(
    trained: tuple[RunDir, dict[str, Path]],
) -> None:
    run_dir, catalog = trained
    audits = audit_run(run_dir, catalog=catalog)
    assert [one.stage for one in audits] == list(STAGE_NAMES)
    assert all(one.differences == () for one in audits)
    assert {(one.num_rows, one.num_samples, one.tokens_to) for one in audits} == {(4, 32, 32)}
    assert audit_text(audits).count("equal") == 3


@pytest.mark.parametrize(
    ("column", "found"),
    [("mix/", "samples in the log, "), ("mix_tokens/", "tokens in the log, ")],
)
def test_a_log_that_says_otherwise_is_told(
    trained: tuple[RunDir, dict[str, Path]], column: str, found: str
) -> None:
    run_dir, catalog = trained
    path = run_dir.metrics_path("instruct")
    before = path.read_text()
    rows = [json.loads(line) for line in before.splitlines()]
    key = next(key for key in rows[2] if key.startswith(column))
    rows[2][key] += 1
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    try:
        *others, instruct = audit_run(run_dir, catalog=catalog)
    finally:
        path.write_text(before)
    assert all(one.differences == () for one in others)
    assert len(instruct.differences) == 1
    assert found in instruct.differences[0] and "after 24 samples" in instruct.differences[0]


def test_shards_that_are_not_those_of_the_run_are_told(
    trained: tuple[RunDir, dict[str, Path]], tmp_path: Path
) -> None:
    run_dir, _ = trained
    others = tiny_catalog(tmp_path, samples_per_source=5)
    audits = audit_run(run_dir, catalog=others)
    assert all("the stage was trained on data" in one.differences[-1] for one in audits)


def test_a_stage_that_has_not_ended_is_compared_by_its_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = LynxTrainingModule.on_before_optimizer_step

    def stop(module: LynxTrainingModule, optimizer: Any) -> None:
        before(module, optimizer)
        signal.raise_signal(signal.SIGTERM)

    catalog, config = tiny_catalog(tmp_path), tiny_config(tmp_path)
    monkeypatch.setattr(LynxTrainingModule, "on_before_optimizer_step", stop)
    with pytest.raises(LynxError, match="stopped by a signal after step 1"):
        train(config, catalog=catalog)
    run_dir = RunDir.of(config)
    (audit,) = audit_run(run_dir, catalog=catalog, token_samples=0)
    assert (audit.stage, audit.differences, audit.tokens_to) == ("pretrain", (), 8)
    (audit,) = audit_run(run_dir, catalog=tiny_catalog(tmp_path / "other", samples_per_source=5))
    assert "the stage was trained on data" in audit.differences[-1]
    remove_checkpoints(run_dir.checkpoint_dir("pretrain"))
    (audit,) = audit_run(run_dir, catalog=catalog)
    assert "that no record and no checkpoint tells of" in audit.differences[-1]


def test_a_folder_that_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(LynxError, match=r"is no run's folder: it has no config.yaml"):
        audit_run(RunDir(tmp_path), catalog={})
