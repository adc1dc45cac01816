"""Tests that a killed DeepSpeed run goes on, on more or fewer processes, and as one file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from benchmarks.strategies import Trained
from lynx.config.errors import LynxError
from lynx.config.schema import STAGE_NAMES
from lynx.model.build import build_model
from lynx.model.checkpoint import load_trained_parts, read_metadata, trained_state
from lynx.tracking.run_dir import RunDir
from lynx.training import consolidation
from lynx.training.build import build_module
from lynx.training.checkpoint_io import AtomicCheckpointIO, checkpoint_path, latest_checkpoint
from lynx.training.consolidation import consolidate
from lynx.training.stages import final_path
from lynx.training.zero_checkpoint import check_written_by_zero
from tests.tiny import tiny_config
from tests.training.strategies_and_kills import KILLED, MOVED


def checkpoint_of(root: Path, name: str) -> Path:
    """What the kill has left."""
    run_dir = Trained(root / f"{name}, cut").run_dir
    found = latest_checkpoint(run_dir.checkpoint_dir("pretrain"))
    assert found is not None
    return found


@pytest.mark.parametrize("name", KILLED)
def test_a_killed_run_ends_with_the_bits_of_one_left_alone(strategies: Path, name: str) -> None:
    whole, resumed = Trained(strategies / name), Trained(strategies / f"{name}, resumed")
    assert "pretrain: going on from step0000000" in resumed.run_dir.log_path.read_text()
    for stage in STAGE_NAMES:
        rows = [one.rows(stage) for one in (whole, resumed)]
        for row in [*rows[0], *rows[1]]:
            del row["samples_per_second"]
        assert rows[0] == rows[1]
        assert final_path(whole.run_dir, stage).read_bytes() == (
            final_path(resumed.run_dir, stage).read_bytes()
        )


@pytest.mark.parametrize(("name", "processes"), MOVED)
def test_a_killed_zero_run_goes_on_with_another_number_of_processes(
    strategies: Path, name: str, processes: int
) -> None:
    one = Trained(strategies / "one process")
    moved = Trained(strategies / f"{name} moved to {processes}")
    assert "pretrain: going on from step0000000" in moved.run_dir.log_path.read_text()
    assert (one.column("loss") - moved.column("loss")).abs().max() < 2e-6
    for stage in STAGE_NAMES:
        expected, found = one.final(stage), moved.final(stage)
        for key, tensor in expected.items():
            torch.testing.assert_close(found[key], tensor, atol=1e-4, rtol=0)
    assert not list(moved.run_dir.path.rglob("*.tmp"))


@pytest.mark.parametrize("name", KILLED)
def test_a_checkpoint_becomes_one_file_of_trained_parts(
    strategies: Path, name: str, tmp_path: Path
) -> None:
    path = consolidate(checkpoint_of(strategies, name), tmp_path / "out.safetensors")
    recorded = Trained(strategies / "one process").recorded("pretrain", "weights")
    found, step = load_file(path), read_metadata(path)["steps"]
    pairs = ((key.partition("/"), tensor) for key, tensor in recorded.items())
    expected = {name: tensor for (number, _, name), tensor in pairs if int(number) == step}
    assert found.keys() == expected.keys()
    for key, tensor in expected.items():
        assert found[key].dtype == torch.float32
        torch.testing.assert_close(found[key], tensor, atol=1e-6, rtol=1e-5)
    config = tiny_config(tmp_path)
    model = build_model(config, seed=1)
    header = load_trained_parts(model, path)
    assert header["stage"] == "pretrain" and step in (4, 8)
    torch.testing.assert_close(model.frame_positions.data, found["frame_positions"])


def test_a_stages_folder_stands_for_its_last_checkpoint(strategies: Path, tmp_path: Path) -> None:
    checkpoint = checkpoint_of(strategies, "ZeRO-3")
    path = consolidate(checkpoint.parents[1])
    assert path == checkpoint.with_suffix(".safetensors")
    with pytest.raises(LynxError, match="is there already"):
        consolidate(checkpoint)
    path.unlink()
    with pytest.raises(LynxError, match=r"a complete stage has its trained parts in checkpoints/"):
        consolidate(Trained(strategies / "ZeRO-3").run_dir.stage_dir("pretrain"))


def test_parts_that_only_earlier_stages_trained_are_taken_from_their_file(
    strategies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DeepSpeed's checkpoints of stage three lack the vision encoder that stage two has trained."""
    run_dir = RunDir(tmp_path / "run")
    shutil.copytree(Trained(strategies / "ZeRO-2").run_dir.path, run_dir.path)
    earlier = load_file(final_path(run_dir, "resolution"))
    header = read_metadata(final_path(run_dir, "resolution"))
    own = {"frame_positions": torch.ones(5, 32)}
    trained = {name: header[name] for name in ("parts", "identities")}
    trained |= {"parent": header["key"], "stage": "instruct"}
    content = {"trained": trained, "stage_key": "k", "global_step": 1}
    monkeypatch.setattr(consolidation, "read_content", lambda _: content)
    monkeypatch.setattr(consolidation, "whole_weights", lambda _: own)
    checkpoint = checkpoint_path(run_dir.checkpoint_dir("instruct"), 1)
    checkpoint.mkdir()
    found = load_file(consolidate(checkpoint, tmp_path / "one.safetensors"))
    assert found.keys() == earlier.keys()
    expected = earlier | own
    assert all(torch.equal(found[key], expected[key]) for key in expected)
    shutil.copy(final_path(run_dir, "pretrain"), final_path(run_dir, "resolution"))
    with pytest.raises(LynxError, match="trained after another stage resolution"):
        consolidate(checkpoint)
    final_path(run_dir, "resolution").unlink()
    with pytest.raises(LynxError, match=r"final.safetensors, which is missing"):
        consolidate(checkpoint)


def test_the_file_of_one_process_or_ddp_becomes_one_of_trained_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config(tmp_path)
    model = build_model(config, seed=0)
    module = build_module(config, "pretrain", model=model, source_names=("a",), key="k")
    content = {"state_dict": module.state_dict(), "global_step": 3}
    module.on_save_checkpoint(content)
    checkpoint = checkpoint_path(tmp_path / "pretrain" / "checkpoints", 3)
    AtomicCheckpointIO().save_checkpoint(content, checkpoint)
    fresh = build_model(config, seed=1)
    header = load_trained_parts(fresh, consolidate(tmp_path / "pretrain"))
    assert (header["stage"], header["key"], header["steps"]) == ("pretrain", "k", 3)
    expected, found = trained_state(model), trained_state(fresh)
    assert expected and all(torch.equal(found[key], expected[key]) for key in expected)
    checkpoint.with_suffix(".safetensors").unlink()
    moved = tmp_path / "elsewhere" / "kept" / checkpoint.name
    moved.parent.mkdir(parents=True)
    shutil.copy(checkpoint, moved)
    monkeypatch.chdir(tmp_path / "pretrain")
    for number, source in enumerate((Path(), Path("checkpoints"), moved)):
        out = consolidate(source, tmp_path / f"{number}.safetensors")
        assert read_metadata(out)["stage"] == "pretrain"


@pytest.mark.parametrize("content", [None, b"", b"junk", {}, {"trained": {"parts": []}}])
def test_what_is_no_checkpoint_of_a_stage_is_refused(tmp_path: Path, content: object) -> None:
    """None: an empty folder, as if of DeepSpeed."""
    checkpoint = checkpoint_path(tmp_path, 3)
    if content is None:
        checkpoint.mkdir()
    elif isinstance(content, bytes):
        checkpoint.write_bytes(content)
    else:
        torch.save(content, checkpoint)
    with pytest.raises(LynxError, match=r"step00000003\.ckpt: (no|not) "):
        consolidate(checkpoint)
    assert list(tmp_path.iterdir()) == [checkpoint]


def test_a_checkpoint_of_another_strategy_or_stage_is_refused(strategies: Path) -> None:
    two, three = (checkpoint_of(strategies, name) for name in ("ZeRO-2", "ZeRO-3"))
    check_written_by_zero(two, splits_weights=False)
    check_written_by_zero(three, splits_weights=True)
    with pytest.raises(LynxError, match=r"written with hardware.zero_stage 1 or 2, which 3"):
        check_written_by_zero(two, splits_weights=True)
    with pytest.raises(LynxError, match=r"written with hardware.zero_stage 3, which 1 or 2"):
        check_written_by_zero(three, splits_weights=False)
    with pytest.raises(LynxError, match="was not written by DeepSpeed"):
        check_written_by_zero(two / "latest", splits_weights=False)
    with pytest.raises(LynxError, match="was written by DeepSpeed"):
        AtomicCheckpointIO().load_checkpoint(two)
