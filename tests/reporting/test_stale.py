"""Cells that are out of date: what marks them, and what is only said to be unknown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from lynx.reporting import data_today
from lynx.reporting.stale import stale_reasons, standing, unknown_reasons
from lynx.reporting.tables import table, table_document
from lynx.tracking.code_identity import code_identity
from lynx.tracking.run_dir import RunDir
from tests.fabricated import below, write_run

NOW = {"code": code_identity()}


def run_of(folder: Path, **options: object) -> RunDir:
    return write_run(folder, variant="lynx", image=below(32), video=None, **options)  # type: ignore[arg-type]


def test_a_run_as_it_would_be_made_today_is_not_marked(tmp_path: Path) -> None:
    run = run_of(tmp_path, protocol=NOW)
    assert not standing(run, "open_vqa_image").is_stale
    assert "†" not in table(1, scale="desk", output_dir=tmp_path)


def test_another_code_marks_every_measured_cell_and_is_told_below(tmp_path: Path) -> None:
    run_of(tmp_path, protocol={"code": "0123456789ab"})
    document = table_document(1, scale="desk", output_dir=tmp_path)
    kinds = {cell.is_stale for cell in document.cells if cell.sources}
    assert kinds == {True}
    assert not any(cell.is_stale for cell in document.cells if not cell.sources)
    (line,) = document.stale
    assert line.startswith("lynx/seed0, open_vqa_image: code was 0123456789ab, is ")


def test_a_configuration_that_has_changed_since_names_the_key(tmp_path: Path) -> None:
    run = run_of(tmp_path, protocol=NOW)
    content = yaml.safe_load(run.config_path.read_text("utf-8"))
    content["stages"]["instruct"]["steps"] += 1
    content["tracking"]["wandb_project"] = "another"  # changes no number
    content["hardware"]["devices"] = 1
    run.config_path.write_text(yaml.safe_dump(content), "utf-8")
    (line,) = stale_reasons([run], ["open_vqa_image"])
    assert "stages.instruct.steps: " in line and "wandb" not in line and "devices" not in line


def test_decoding_that_has_changed_since_names_what_changed(tmp_path: Path) -> None:
    row = {
        "max_new_tokens": 64, "num_beams": 1, "top_p": 1.0, "top_k": 1, "length_penalty": -2.0,
        "no_repeat_ngram_size": 2, "do_sample": False,
    }  # fmt: skip
    decoding = {"row": "open_vqa_image", **row}
    run = run_of(tmp_path, protocol={**NOW, "decoding": decoding})
    (line,) = stale_reasons([run], ["open_vqa_image"])
    assert line.endswith("open_vqa_image: decoding: num_beams 1 -> 5")


def test_what_is_not_known_is_said_and_marks_nothing(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    assert not standing(run, "open_vqa_image").is_stale
    lines = unknown_reasons([run], ["open_vqa_image"])
    assert "not known whether out of date: by which code it was evaluated (1 evaluations)" in lines
    text = table(1, scale="desk", output_dir=tmp_path)
    assert "†" not in text and "by which code it was evaluated" in text


def test_values_of_the_command_line_are_not_guessed(tmp_path: Path) -> None:
    run = write_run(tmp_path, variant="lynx+abc123", image=below(9), video=None, protocol=NOW)
    found = standing(run, "open_vqa_image")
    assert not found.changes and any("command line" in one for one in found.unknown)


@pytest.mark.parametrize(("today", "is_stale"), [("a1", False), ("b2", True), (None, False)])
def test_data_that_would_be_others_today_mark_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, today: str | None, is_stale: bool
) -> None:
    run = run_of(tmp_path, protocol=NOW)
    for stage in ("pretrain", "resolution", "instruct"):
        path = run.stage_record_path(stage)
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"data_fingerprint": "a1"}))
    monkeypatch.setattr(data_today, "fingerprint_today", lambda config, stage: today)
    found = standing(run, "open_vqa_image")
    assert found.is_stale == is_stale
    assert ("data of stage pretrain: a1 -> b2" in found.changes) == is_stale
    assert any("shards or tokenizer" in one for one in found.unknown) == (today is None)
