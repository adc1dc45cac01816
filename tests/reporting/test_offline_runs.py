"""What W&B wrote offline is read back; damaged and cut files are told apart."""

from __future__ import annotations

from pathlib import Path

import pytest
import wandb

from lynx.config.errors import LynxError
from lynx.reporting.offline_runs import offline_folders, offline_text, read_offline_run
from lynx.tracking.loggers import make_loggers
from lynx.tracking.run_dir import RunDir
from tests.fabricated import clear_wandb

NUM_ROWS = 60
LONG = "x" * 50_000  # longer than a block of the file


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """One stage: metrics, a table, a page, and a configuration longer than a block."""
    run_dir = RunDir(tmp_path_factory.mktemp("offline") / "desk" / "noisy_data" / "seed0")
    with pytest.MonkeyPatch.context() as patch:
        clear_wandb(patch)
        loggers = make_loggers(
            run_dir=run_dir, stage="pretrain", config_dict={"scale": "desk", "long": LONG},
            diff_text="data: clean -> noisy\n", project="lab", group="desk/lynx", tags=["a", "b"],
        )  # fmt: skip
        for step in range(NUM_ROWS):
            for logger in loggers:
                logger.log_metrics({"loss": 1.0 / (step + 1), "mix/laion": step}, step=step)
        table = wandb.Table(columns=["id", "said"], data=[["q1", "red"], ["q2", "blue"]])
        wandb.log({"colors/answers": table, "diff": wandb.Html("<pre>noisy</pre>")})
        wandb.summary["colors/Overall/accuracy"] = 0.5
        wandb.finish()
    return run_dir


def test_everything_that_was_logged_comes_back(run: RunDir) -> None:
    (folder,) = offline_folders(run)
    found = read_offline_run(folder)
    assert (found.name, found.project, found.group, found.job) == (
        "noisy_data/seed0/pretrain", "lab", "desk/lynx", "pretrain",
    )  # fmt: skip
    assert found.tags == ["a", "b"] and found.notes == "data: clean -> noisy\n"
    assert found.config["long"] == LONG and found.config["variant"] == "noisy_data"
    losses = [row["pretrain/loss"] for row in found.history if "pretrain/loss" in row]
    assert losses == [1.0 / (step + 1) for step in range(NUM_ROWS)]
    assert [row["trainer/global_step"] for row in found.history[:3]] == [0, 1, 2]
    assert found.summary["colors/Overall/accuracy"] == 0.5
    assert {"pretrain/loss", "pretrain/mix/laion", "colors/answers", "diff"} <= set(found.keys)
    assert found.table("colors/answers")["data"] == [["q1", "red"], ["q2", "blue"]]
    assert found.exit_code == 0 and not found.is_cut


def test_the_text_names_tables_values_and_how_to_publish(run: RunDir) -> None:
    text = offline_text(run)
    for told in ("noisy_data/seed0/pretrain", "job pretrain, ended with 0", "61 rows",
                 "table-file: colors/answers, 2 rows", "html-file: diff", "colors/Overall/accuracy",
                 "notes: data: clean -> noisy", f"wandb sync \\\n  {run.wandb_dir}"):  # fmt: skip
        assert told in text, text


def copied(run: RunDir, folder: Path, content: bytes) -> Path:
    path = folder / "offline-run-1" / "run-1.wandb"
    path.parent.mkdir()
    path.write_bytes(content)
    return path.parent


def content_of(run: RunDir) -> bytes:
    return next(run.wandb_dir.rglob("run-*.wandb")).read_bytes()


def test_a_file_that_a_kill_cut_short_is_read_as_far_as_it_goes(
    run: RunDir, tmp_path: Path
) -> None:
    content = content_of(run)
    found = read_offline_run(copied(run, tmp_path, content[: len(content) * 3 // 4]))
    assert found.is_cut and found.exit_code is None
    assert found.name == "noisy_data/seed0/pretrain"


def test_a_changed_byte_is_noticed(run: RunDir, tmp_path: Path) -> None:
    content = bytearray(content_of(run))
    content[len(content) // 2] ^= 1
    with pytest.raises(LynxError, match="fails its checksum"):
        read_offline_run(copied(run, tmp_path, bytes(content)))


def test_other_files_and_empty_folders_are_refused(run: RunDir, tmp_path: Path) -> None:
    with pytest.raises(LynxError, match="does not begin with"):
        read_offline_run(copied(run, tmp_path, b"no file of W&B"))
    with pytest.raises(LynxError, match="holds 0 files"):
        read_offline_run(tmp_path)
    with pytest.raises(LynxError, match="holds no offline run"):
        offline_text(RunDir(tmp_path))
