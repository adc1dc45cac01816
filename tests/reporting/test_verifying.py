"""Saved tables: what is written, what is checked offline, and every way in which one can drift."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lynx.config.errors import LynxError
from lynx.reporting.requests import Request
from lynx.reporting.saved import read_saved, save, saved_path
from lynx.reporting.tables import maker
from lynx.reporting.verifying import Verification, saved_numbers, verification_text, verify
from lynx.tracking.run_dir import RunDir
from tests.fabricated import below, write_run
from tests.reporting.made_runs import write_battles, write_mme


def printed(folder: Path, number: int) -> Request:
    """Make and save a table, as the command does."""
    request = Request(number, "desk", folder)
    save(request, maker(number)(request))
    return request


def checked(folder: Path, number: int) -> Verification:
    return verify(number, scale="desk", output_dir=folder, rebuild=maker(number))


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def rewrite(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    write_run(tmp_path, variant="lynx", image=below(32), video=below(28))
    write_run(tmp_path, variant="low_resolution", image=below(30), video=below(28))
    return tmp_path


def test_a_saved_table_comes_back_with_its_cells_and_the_files_behind_them(runs: Path) -> None:
    request = printed(runs, 5)
    saved = read_saved(saved_path(request), runs)
    assert saved.document.grids == maker(5)(request).grids
    assert saved.document.judges == ("rule:v1",)
    scores = "desk/lynx/seed0/eval/open_vqa_image/scores.json"
    assert len(saved.files[scores]) == 64
    cell = next(c for c in saved.document.cells if c.text.startswith("80.0 ["))
    assert cell.kind == "measured" and cell.value == 80.0 and scores in cell.sources
    assert saved_numbers("desk", runs) == [5]


def test_nothing_drifts_where_nothing_has_changed(runs: Path) -> None:
    printed(runs, 5)
    found = checked(runs, 5)
    assert not found.has_drifted and found.num_files == 16
    assert "agree; judged, counted and made again offline" in verification_text(found)


def test_an_answer_changed_by_hand_is_found_out_by_judging_it_again(runs: Path) -> None:
    printed(runs, 5)
    path = RunDir(runs / "desk/lynx/seed0").eval_dir("open_vqa_image") / "predictions.jsonl"
    rows = rows_of(path)
    assert rows[0]["prediction"] == "red"
    rows[0]["prediction"] = "no idea"
    rewrite(path, rows)
    places = {drift.place: (drift.old, drift.new) for drift in checked(runs, 5).drifts}
    folder = "desk/lynx/seed0/eval/open_vqa_image"
    assert places[f"{folder}/verdicts.jsonl: question q0"] == ("True", "False")
    assert places[f"{folder}/scores.json: overall.correct"] == ("256", "255")


def test_scores_changed_by_hand_move_the_cell_and_are_named_behind_it(runs: Path) -> None:
    printed(runs, 5)
    path = RunDir(runs / "desk/lynx/seed0").eval_dir("open_vqa_image") / "scores.json"
    content = json.loads(path.read_text("utf-8"))
    content["overall"]["accuracy"] = 0.9
    path.write_text(json.dumps(content))
    found = checked(runs, 5)
    cell = next(d for d in found.drifts if "Ours, image measured [95 %]" in d.place)
    assert cell.old.startswith("80.0") and cell.new.startswith("90.0")
    behind = "desk/lynx/seed0/eval/open_vqa_image/scores.json has changed"
    assert behind in cell.files and behind in verification_text(found)
    assert any(d.place.endswith("scores.json: overall.accuracy") for d in found.drifts)


def test_a_run_that_came_after_the_table_is_drift_with_its_new_files(runs: Path) -> None:
    printed(runs, 5)
    write_run(runs, variant="lynx", seed=1, image=below(20), video=below(20))
    found = checked(runs, 5)
    files = [file for drift in found.drifts for file in drift.files]
    assert "desk/lynx/seed1/eval/open_vqa_image/scores.json is new" in files


def test_a_table_of_chosen_seeds_is_checked_with_those_seeds(runs: Path) -> None:
    request = Request(5, "desk", runs, seeds=(0,))
    save(request, maker(5)(request))
    write_run(runs, variant="lynx", seed=1, image=below(20), video=below(20))
    assert not checked(runs, 5).has_drifted


def test_a_cell_changed_in_the_saved_table_is_told_with_both_texts(runs: Path) -> None:
    path = saved_path(printed(runs, 5))
    path.write_text(path.read_text("utf-8").replace("80.0 [75.3, 84.0]", "81.0 [75.3, 84.0]"))
    found = checked(runs, 5)
    assert [(d.old, d.new) for d in found.drifts] == [("81.0 [75.3, 84.0]", "80.0 [75.3, 84.0]")]


def test_a_run_that_is_gone_is_drift(runs: Path) -> None:
    printed(runs, 5)
    folder = RunDir(runs / "desk/low_resolution/seed0").eval_dir("open_vqa_video")
    for path in folder.iterdir():
        path.unlink()
    found = checked(runs, 5)
    assert any("scores.json is gone" in file for d in found.drifts for file in d.files)


def test_replies_that_are_not_on_disk_cannot_be_judged_again(tmp_path: Path) -> None:
    write_run(tmp_path, variant="lynx", image=below(32), video=None, judge="some-model")
    printed(tmp_path, 1)
    (drift,) = checked(tmp_path, 1).drifts
    assert drift.old == "some-model" and "can't judge again: offline: " in drift.new


def test_mme_is_scored_again_to_the_last_digit(tmp_path: Path) -> None:
    run = write_mme(tmp_path, "lynx", lambda task, number, is_yes: "yes" if is_yes else "no")
    printed(tmp_path, 10)
    assert not checked(tmp_path, 10).has_drifted
    path = run.eval_dir("mme") / "predictions.jsonl"
    rows = rows_of(path)
    rows[0]["prediction"] = "**Yes**"
    rewrite(path, rows)
    places = [drift.place for drift in checked(tmp_path, 10).drifts]
    assert "desk/lynx/seed0/eval/mme/scores.json: details.tasks.existence.other_rate" in places


def test_battles_and_ratings_are_held_against_each_other(tmp_path: Path) -> None:
    write_battles(tmp_path, {"lynx": lambda q: "a dog.", "plug_and_play": lambda q: "a big dog."})
    printed(tmp_path, 3)
    assert not checked(tmp_path, 3).has_drifted
    path = tmp_path / "desk/head_to_head/visit_bench/battles.jsonl"
    rows = rows_of(path)
    rows[0]["verdicts"] = ["tie", "tie"]
    rewrite(path, rows)
    places = [drift.place for drift in checked(tmp_path, 3).drifts]
    assert any("ratings.json: models." in place for place in places)


def test_only_what_a_table_is_can_be_read_as_one(tmp_path: Path) -> None:
    with pytest.raises(LynxError, match=r"no saved table at .*table_5.json: `lynx table"):
        checked(tmp_path, 5)
    path = saved_path(Request(5, "desk", tmp_path))
    path.parent.mkdir(parents=True)
    path.write_text('{"format": 1}')
    with pytest.raises(LynxError, match=r"table_5.json: is no saved table .* print it anew"):
        checked(tmp_path, 5)
