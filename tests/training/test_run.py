"""Tests of a whole run: what its stages leave, reuse, independence of the batch split."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor

from lynx.config.compose import load_config
from lynx.config.errors import LynxError
from lynx.config.schema import STAGE_NAMES
from lynx.model.build import load_for_evaluation
from lynx.model.checkpoint import read_metadata
from lynx.model.parts import part_of
from lynx.tracking.loggers import read_metrics
from lynx.tracking.run_dir import RunDir
from lynx.training.checkpoint_io import checkpoint_path
from lynx.training.run import train
from lynx.training.stages import final_path, read_record
from tests.tiny import tiny_catalog, tiny_config

Catalog = dict[str, Path]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def catalog(root: Path) -> Catalog:
    return tiny_catalog(root)


@pytest.fixture(scope="module")
def base(root: Path, catalog: Catalog) -> RunDir:
    return train(tiny_config(root), catalog=catalog)


def weights(run_dir: RunDir, stage: str) -> dict[str, Tensor]:
    return safetensors.torch.load_file(final_path(run_dir, stage))


def column(run_dir: RunDir, name: str) -> Tensor:
    rows = [row for stage in STAGE_NAMES for row in read_metrics(run_dir.metrics_path(stage))]
    return torch.tensor([row[name] for row in rows])


def test_every_stage_leaves_weights_metrics_and_a_record(base: RunDir, root: Path) -> None:
    for stage in STAGE_NAMES:
        record = read_record(base, stage)
        assert record is not None and base.is_complete(stage)
        assert record["steps"] == 4 and record["samples_per_second"] > 0
        assert sum(record["realised_mix"].values()) == 4 * 8
        assert record["data_fingerprint"] and "commit" in record["git"]
        rows = read_metrics(base.metrics_path(stage))
        assert [row["step"] for row in rows] == [0, 1, 2, 3]
        assert all(row["loss"] > 0 and row["gradient_norm"] > 0 for row in rows)
        assert any(name.startswith("loss_of/") for name in rows[0])
        assert rows[0]["learning_rate"] == pytest.approx(1e-3)  # no warm-up in four steps
        assert not list(base.checkpoint_dir(stage).glob("step*"))
    assert load_config(base.config_path) == tiny_config(root)
    assert base.manifest_path.is_file()


def test_the_table_of_parts_is_printed_and_kept(base: RunDir) -> None:
    text = base.log_path.read_text()
    for stage in STAGE_NAMES:
        assert f"{stage}: parts after 3 steps" in text
    assert text.count("frozen") == 2 + 1 + 2  # the vision encoder is trained in stage two


def test_stages_are_chained_and_train_the_parts_they_should(base: RunDir) -> None:
    first, second, third = (weights(base, stage) for stage in STAGE_NAMES)
    assert {part_of(n) for n in first} == {"resampler", "frame_positions", "adapters"}
    assert {part_of(n) for n in second} == {part_of(n) for n in third}
    encoder = [name for name in second if part_of(name) == "vision_encoder"]
    assert encoder and all(torch.equal(second[name], third[name]) for name in encoder)
    for before, after in ((first, second), (second, third)):
        moved = [name for name in before if not torch.equal(before[name], after[name])]
        # Stages one and two hold no video, so frame positions move in stage three alone.
        assert set(before) - set(moved) <= {*encoder, "frame_positions"}
        assert ("frame_positions" in moved) == (after is third)
        drift = max((after[name] - before[name]).abs().max() for name in moved)
        assert drift < 0.02  # four steps from where the stage before ended, not from new weights


def test_a_finished_run_is_not_trained_again_and_keeps_its_description(
    base: RunDir, root: Path, catalog: Catalog
) -> None:
    paths = (final_path(base, "instruct"), base.manifest_path, base.config_path, base.diff_path)
    before = [path.stat().st_mtime_ns for path in paths]
    again = train(tiny_config(root), catalog=catalog)
    assert again == base
    assert [path.stat().st_mtime_ns for path in paths] == before
    assert "instruct: already trained" in base.log_path.read_text()


def test_a_checkpoint_that_a_kill_left_in_a_trained_stage_is_removed(
    base: RunDir, root: Path, catalog: Catalog
) -> None:
    leftover = checkpoint_path(base.checkpoint_dir("instruct"), 2)
    leftover.write_bytes(b"of no use")
    train(tiny_config(root), catalog=catalog)
    assert not leftover.exists()


def test_a_stage_trained_anew_takes_the_later_ones_completeness(
    base: RunDir, root: Path, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run's folder never shows an old third stage beside a new second one."""
    own = {"tracking.output_dir": str(tmp_path / "runs")}
    run_dir = RunDir.of(tiny_config(root, own))
    shutil.copytree(base.path, run_dir.path)
    final_path(run_dir, "resolution").unlink()

    def fail(*_: Any, **__: Any) -> None:
        raise LynxError("stopped on purpose")

    monkeypatch.setattr("lynx.training.run.build_model", fail)
    with pytest.raises(LynxError, match="on purpose"):
        train(tiny_config(root, own), catalog=catalog)
    assert [run_dir.is_complete(stage) for stage in STAGE_NAMES] == [True, False, False]


def test_a_variant_reuses_the_stages_that_it_shares(
    base: RunDir, root: Path, catalog: Catalog
) -> None:
    config = tiny_config(root, {"stages.instruct.prompts": "single"})
    variant = train(config, catalog=catalog)
    assert variant != base
    for stage in STAGE_NAMES[:2]:
        own, shared = read_record(variant, stage), read_record(base, stage)
        assert own is not None and shared is not None
        assert own == shared | {"reused_from": str(base.path)}
        assert final_path(variant, stage).read_bytes() == final_path(base, stage).read_bytes()
        told = "".join(variant.log_path.read_text().split())  # long paths are wrapped
        assert f"{stage}:thesameasin{base.path},reused" in told
    keys = [read_metadata(final_path(run, "instruct"))["key"] for run in (base, variant)]
    assert keys[0] != keys[1]


def test_a_change_of_the_first_stage_is_trained_in_all_stages(
    base: RunDir, root: Path, catalog: Catalog
) -> None:
    variant = train(tiny_config(root, {"stages.pretrain.learning_rate": 2e-3}), catalog=catalog)
    records = [read_record(variant, stage) for stage in STAGE_NAMES]
    assert all(record is not None and record["reused_from"] is None for record in records)


def test_the_loss_does_not_depend_on_the_batch_split(
    root: Path, catalog: Catalog, tmp_path: Path
) -> None:
    """One micro batch of eight, two of four (packed otherwise), eight of one."""
    found, final = [], []
    for micro in (8, 4, 1):
        changes: dict[str, Any] = {f"stages.{s}.micro_batch_size": micro for s in STAGE_NAMES}
        changes["tracking.output_dir"] = str(tmp_path / f"micro{micro}")
        run_dir = train(tiny_config(root, changes), catalog=catalog)
        found.append(run_dir)
        final.append(weights(run_dir, "instruct"))
    for other in (1, 2):
        # The gradient's norm tells more than the loss: AdamW hides a wrong scale.
        for name in ("loss", "gradient_norm"):
            pair = column(found[other], name), column(found[0], name)
            torch.testing.assert_close(*pair, atol=1e-4, rtol=1e-3)
        for name, tensor in final[0].items():
            # AdamW's first steps follow the gradient's sign, so rounding shows where it is tiny.
            assert (final[other][name] - tensor).abs().mean() < 1e-4, name


def test_the_evaluated_model_is_the_trained_one(base: RunDir, root: Path) -> None:
    model = load_for_evaluation(tiny_config(root), final_path(base, "instruct"))
    named = dict(model.named_parameters())
    assert all(torch.equal(named[name], t) for name, t in weights(base, "instruct").items())


def test_a_source_without_shards_is_named(root: Path, catalog: Catalog, tmp_path: Path) -> None:
    changes = {"tracking.output_dir": str(tmp_path / "runs")}
    missing = {name: path for name, path in catalog.items() if name != "gqa"}
    with pytest.raises(LynxError, match="gqa"):
        train(tiny_config(root, changes), catalog=missing)


def test_what_is_wrong_with_the_last_stages_data_costs_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = tiny_catalog(tmp_path)
    config = tiny_config(tmp_path, {"stages.instruct.recipe": "pretrain_noisy"})
    with pytest.raises(LynxError, match=r"source `coyo700m` is not in the catalog"):
        train(config, catalog=catalog)
    assert not RunDir.of(config).metrics_path("pretrain").exists()
