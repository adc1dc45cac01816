"""The W&B workspace: every name in it is one that runs log, and saving it twice leaves one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import wandb

from lynx.config.compose import list_ablations
from lynx.config.errors import LynxError
from lynx.evaluation.results import ResultFiles
from lynx.evaluation.run import evaluate
from lynx.evaluation.scores import Scores
from lynx.evaluation.wandb_table import summary
from lynx.reporting.dashboard import (
    build_workspace,
    internal_name,
    metric_names,
    save_workspace,
    workspace_name,
)
from lynx.reporting.dashboard_contents import find_logged
from lynx.reporting.offline_runs import offline_folders, read_offline_run
from lynx.reporting.wandb_account import default_entity
from lynx.tracking.files import write_json_atomic
from lynx.tracking.run_dir import RunDir
from lynx.training.run import train
from tests.color_run import ColorModel, configured
from tests.fabricated import clear_wandb
from tests.local_server import LocalServer
from tests.reporting.graphql_server import Views, handler_of
from tests.reporting.shown_runs import shown_run
from tests.tiny import tiny_catalog, write_tokenizer

pytest.importorskip(
    "wandb_workspaces", reason="wandb-workspaces is missing: pip install -e '.[dashboard]'"
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """A tiny run, trained and evaluated with W&B offline."""
    from transformers import AutoTokenizer

    root = tmp_path_factory.mktemp("dashboard")
    with pytest.MonkeyPatch.context() as patch:
        clear_wandb(patch)
        patch.setenv("WANDB_MODE", "offline")
        config = configured(root, {"evaluation.without_vision": ["swapped", "blank"]})
        run_dir = train(config, catalog=tiny_catalog(root))
        write_tokenizer(root / "words")
        tokenizer = AutoTokenizer.from_pretrained(root / "words")
        evaluate(run_dir, config, model=ColorModel(tokenizer), tokenizer=tokenizer)
        wandb.finish()
    return run_dir


def scale_dir(run: RunDir) -> Path:
    return run.path.parents[1]


def test_every_metric_table_and_page_named_is_one_that_the_runs_log(run: RunDir) -> None:
    workspace = build_workspace(
        find_logged(scale_dir(run)), entity="someone", project="lynx-lab", scale="desk"
    )
    logged = [read_offline_run(folder) for folder in offline_folders(run)]
    assert [one.job for one in logged] == ["pretrain", "resolution", "instruct", "eval"]
    names = metric_names(workspace)
    assert names <= {key for one in logged for key in one.keys}
    for name in ("colors/Overall/low", "colors/A/accuracy", "colors/Overall/without/blank",
                 "colors/answers", "colors/scores", "colors/length/words/mean", "diff",
                 "instruct/loss_since_last_log", "instruct/samples_per_second"):  # fmt: skip
        assert name in names, name
    assert any(name.startswith("pretrain/loss_of/") for name in names)
    assert any(name.startswith("resolution/mix/") for name in names)
    pinned = [
        column.removeprefix("summary:") for column in workspace.runset_settings.pinned_columns
    ]
    assert set(pinned[2:]) <= {key for one in logged for key in one.summary}
    assert all({"variant", "scale"} <= set(one.config) for one in logged)  # grouped, filtered by


def test_a_group_is_a_variant_and_the_diffs_of_all_ablations_stand_first(run: RunDir) -> None:
    workspace = build_workspace(
        find_logged(scale_dir(run)), entity="someone", project="lynx-lab", scale="desk"
    )
    dump = json.loads(workspace._to_model().model_dump_json(by_alias=True))
    section = dump["spec"]["section"]
    runs = section["runSets"][0]
    assert [key["name"] for key in runs["grouping"]] == ["variant.value"]
    assert "scale" in json.dumps(runs["filters"]) and "desk" in json.dumps(runs["filters"])
    sections = {one["name"]: one["panels"] for one in section["panelBankConfig"]["sections"]}
    assert list(sections) == [
        "What changed", "Scores: colors", "Is it looking?", "Answers", "Training: pretrain",
        "Training: resolution", "Training: instruct", "Throughput",
    ]  # fmt: skip
    text = sections["What changed"][0]["config"]["value"]
    for ablation in list_ablations():
        assert ablation.question in text and all(key in text for key in ablation.diff)
    bars = [panel for panel in sections["Scores: colors"] if panel["viewType"] == "Bar Chart"]
    assert [panel["config"]["metrics"] for panel in bars] == [
        [f"colors/{name}/{field}" for field in ("low", "accuracy", "high")]
        for name in ("Overall", "A", "B")
    ]
    assert all(panel["config"]["groupBy"] == "variant.value" for panel in bars)


def test_official_scores_get_panels_with_their_intervals(tmp_path: Path) -> None:
    shown = shown_run(tmp_path, "lynx")
    files = ResultFiles(shown.eval_dir("colors"))
    score = {"score": 150.0, "low": 120.0, "high": 170.0}
    details = {"rule": "official", "perception": score, "tasks": {"OCR": score}, "other_rate": 0.0}
    write_json_atomic(files.scores_path, {**(files.scores() or {}), "details": details})
    logged = find_logged(shown.path.parents[1])
    assert logged.details == {"colors": ["perception", "tasks/OCR"]}
    workspace = build_workspace(logged, entity="someone", project="lynx-lab", scale="desk")
    expected = {
        f"colors/details/{figure}/{field}"
        for figure in ("perception", "tasks/OCR")
        for field in ("low", "score", "high")
    }
    assert expected <= metric_names(workspace)
    in_wandb = summary(Scores.from_json(files.scores() or {}))
    assert expected <= set(in_wandb)


def test_without_runs_there_is_nothing_to_lay_out(tmp_path: Path) -> None:
    with pytest.raises(LynxError, match="holds no run"):
        find_logged(tmp_path)


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    clear_wandb(monkeypatch)
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)


def test_saving_twice_creates_once_and_then_updates(
    run: RunDir, online: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    views = Views()
    logged = find_logged(scale_dir(run))
    with LocalServer(handler_of(views)) as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        entity = default_entity()
        assert entity == "someone"
        told = []
        for _ in range(2):
            workspace = build_workspace(logged, entity=entity, project="lynx-lab", scale="desk")
            told.append(save_workspace(workspace, scale="desk"))
        wandb.teardown()
    (address, was_there), again = told
    assert (was_there, again) == (False, (address, True))
    assert address.startswith(f"{server.url}/someone/lynx-lab?nw=")
    assert views.num_saves == 2
    (view,) = views.saved.values()
    assert (view["name"], view["displayName"]) == (
        internal_name("lynx-lab", "desk"), workspace_name("desk"),
    )  # fmt: skip
    assert "colors/Overall/accuracy" in view["spec"]


def test_a_project_that_is_not_there_is_told(
    run: RunDir, online: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged = find_logged(scale_dir(run))
    workspace = build_workspace(logged, entity="someone", project="other", scale="desk")
    with LocalServer(handler_of(Views())) as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        with pytest.raises(LynxError, match=r"someone/other.*wandb sync"):
            save_workspace(workspace, scale="desk")
        wandb.teardown()
