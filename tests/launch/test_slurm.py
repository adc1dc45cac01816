"""Tests of the SLURM script as text, of sbatch's options, and of how it is submitted."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from lynx import cli
from lynx.config.compose import compose
from lynx.config.errors import LynxError
from lynx.config.paths import repository_root
from lynx.launch.slurm import read_options, slurm_script, submit

DOCUMENT = repository_root() / "docs" / "launching.md"


def script(*, options: dict[str, str] | None = None, **values: str) -> str:
    """Of lynx at paper scale with the given values."""
    overrides = [f"{key.replace('__', '.')}={value}" for key, value in values.items()]
    return slurm_script(
        compose(scale="paper", overrides=overrides),
        [["lynx", "train", "lynx", "model.num_frames=5"]],
        written_by="lynx launch",
        options=options or {},
        environment={"LYNX_DATA": "/data/my shards"},
        repository=Path("/shared/lynx lab"),
        bin_dir=Path("/shared/lynx lab/.venv/bin"),
        log_dir=Path("/shared/runs"),
    )


def lines(text: str) -> dict[str, str]:
    return dict(re.findall(r"^#SBATCH --([a-z-]+)=?(.*)$", text, re.M))


def test_the_script_asks_for_a_process_and_a_gpu_per_device() -> None:
    found = lines(script(hardware__num_nodes="2", data__num_workers="5"))
    assert found["nodes"] == "2" and found["gpus-per-node"] == found["ntasks-per-node"] == "8"
    assert found["cpus-per-task"] == "6"
    assert found["exclusive"] == "" and found["mem"] == "0"


def test_one_node_is_not_taken_whole_and_a_cpu_run_asks_for_no_gpu() -> None:
    found = lines(script(hardware__num_nodes="1", hardware__accelerator="cpu"))
    assert not {"exclusive", "mem", "gpus-per-node"} & set(found)


def test_options_of_a_person_come_last_and_gres_takes_the_place_of_gpus() -> None:
    options = {"gres": "gpu:a100:8", "cpus-per-task": "12", "comment": "two words"}
    found = lines(script(options=options))
    assert found["gres"] == "gpu:a100:8" and "gpus-per-node" not in found
    assert found["cpus-per-task"] == "12" and found["comment"] == '"two words"'


def test_a_gres_without_gpus_takes_the_place_of_nothing() -> None:
    assert lines(script(options={"gres": "lscratch:40"}))["gpus-per-node"] == "8"


@pytest.mark.parametrize("option", ["mem", "mem-per-cpu", "mem-per-gpu"])
def test_memory_and_sharing_are_said_once(option: str) -> None:
    found = lines(script(options={option: "40G", "oversubscribe": ""}))
    assert [key for key in found if key.startswith("mem")] == [option] and found[option] == "40G"
    assert "exclusive" not in found


@pytest.mark.parametrize(
    ("option", "value"),
    [("gpus-per-node", "4"), ("gpus-per-node", "a100:4"), ("gres", "gpu"), ("gres", "x,gpu:h:4")],
)
def test_other_gpus_than_the_devices_are_refused(option: str, value: str) -> None:
    with pytest.raises(LynxError, match=r"contradicts hardware\.devices=8"):
        script(options={option: value})
    right = "gpu:a100:8,x" if option == "gres" else "a100:8"
    assert lines(script(options={option: right}))[option] == right


def test_paths_and_values_with_spaces_are_quoted() -> None:
    assert lines(script(options={"comment": "it's #1"}))["comment"] == '"it\'s #1"'
    text = script()
    assert "cd '/shared/lynx lab' || exit" in text
    assert "export LYNX_DATA='/data/my shards'" in text
    assert "export PATH='/shared/lynx lab/.venv/bin':\"$PATH\"" in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("NTASKS_PER_NODE=4", "--ntasks-per-node follows from hardware.devices"),
        ("signal=USR2@5", "--signal follows from"),
        ("ARRAY=0-3", "--seed: one job for each"),
        ("PARTITON=gpu", "--partiton is no option to be set here; nearest is `partition`"),
        ("CPUS_PER_GPU=4", "CPUS_PER_TASK takes the place of that"),
        ("EXPORT=NONE", "--export follows from the script"),
        ('COMMENT=say "hi" there', "without double quotes"),
        ("COMMENT=a\\", "backslashes"),
        ("TIME=", "needs a value"),
        ("COMMENT=a\n#SBATCH --nodes=1", "one line"),
        ("NODES=four", "needs a number of nodes"),
        ("NODES=0", "needs a number of nodes"),
    ],
)
def test_an_option_that_is_wrong_or_follows_from_the_configuration_is_refused(
    text: str, message: str
) -> None:
    with pytest.raises(LynxError, match=re.escape(message)):
        read_options(["ACCOUNT=me", text])


def test_options_are_read_in_any_case_and_without_a_value() -> None:
    assert read_options(["mail_type=END", "EXCLUSIVE", "Nodes=3"]) == {
        "mail-type": "END", "exclusive": "", "nodes": "3",
    }  # fmt: skip


def program(folder: Path, name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts a program of this name first on the PATH."""
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_what_sbatch_refuses_is_said_in_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "sbatch", "echo 'invalid partition specified: gpu' >&2; exit 1", monkeypatch)
    with pytest.raises(LynxError, match="invalid partition specified: gpu"):
        submit(tmp_path / "job.sh")


def test_a_machine_without_sbatch_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LynxError, match="no `sbatch` on this machine"):
        submit(tmp_path / "job.sh")


def launch(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, str]:
    """Exit status and output of `lynx launch <arguments>`."""
    monkeypatch.setattr(sys, "argv", ["lynx", "launch", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    printed = capsys.readouterr()
    return int(ended.value.code or 0), printed.out + printed.err


def test_an_ablation_is_one_command_and_an_experiment_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LYNX_RUNS", str(tmp_path))
    program(tmp_path, "sbatch", 'echo "$2" > submitted; echo 17', monkeypatch)
    monkeypatch.chdir(tmp_path)
    options = ("--scale", "paper", "--slurm", "NODES=2", "--seed", "3")
    status, out = launch(monkeypatch, capsys, "low_resolution", *options)
    folder = tmp_path / "paper" / "low_resolution" / "seed3" / "launch"
    assert status == 0 and f"submitted: job 17; it prints to {folder}/slurm-<job>.log" in out
    assert (tmp_path / "submitted").read_text().strip() == str(folder / "job.sh")
    what = "hardware.num_nodes=2 --scale paper --seed 3 --resume"
    text = (folder / "job.sh").read_text()
    assert f"\non_all lynx ablation low_resolution {what}\nstatus=$?" in text
    assert f"export LYNX_RUNS={tmp_path}" in text
    status, _ = launch(monkeypatch, capsys, "lynx", *options, "--out", str(tmp_path / "x.sh"))
    text = (tmp_path / "x.sh").read_text()
    assert f"on_all lynx train lynx {what} &&\n  on_all lynx evaluate lynx {what}\n" in text


def test_what_contradicts_itself_or_breaks_a_line_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LYNX_RUNS", str(tmp_path))
    arguments = ["lynx", "--scale", "paper", "--slurm", "NODES=4", "--dry-run"]
    status, out = launch(monkeypatch, capsys, *arguments, "hardware.num_nodes=2")
    assert status == 2 and "--slurm NODES=4 contradicts hardware.num_nodes=2" in out
    status, out = launch(monkeypatch, capsys, *arguments, "tracking.wandb_project=a\nrm -r b")
    assert status == 2 and "a value with a line break" in out
    assert list(tmp_path.iterdir()) == []
    status, _ = launch(monkeypatch, capsys, *arguments, "hardware.num_nodes=4")
    assert status == 0


def test_the_job_finds_a_repository_that_was_named_from_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LYNX_RUNS", str(tmp_path))
    repository = repository_root()
    monkeypatch.chdir(repository.parent)
    monkeypatch.setenv("LYNX_ROOT", repository.name)
    status, out = launch(monkeypatch, capsys, "lynx", "--dry-run")
    assert status == 0 and f"\nexport LYNX_ROOT={repository}\n" in out


def test_nodes_that_a_batch_cannot_be_split_over_are_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LYNX_RUNS", str(tmp_path))
    status, out = launch(monkeypatch, capsys, "lynx", "--scale", "paper", "--slurm", "NODES=3")
    assert status == 2 and "global_batch_size: 1536 is no multiple of 24 devices" in out
    assert list(tmp_path.iterdir()) == []


def test_the_document_shows_the_script_that_is_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name in [name for name in os.environ if name.startswith("LYNX_")]:
        monkeypatch.delenv(name)
    written: list[str] = []
    writer = "lynx.tracking.files.write_text_atomic"
    monkeypatch.setattr(writer, lambda _, text: written.append(text))
    monkeypatch.setattr(Path, "mkdir", lambda *_, **__: None)
    monkeypatch.setattr(sys, "prefix", str(repository_root() / ".venv"))
    arguments = ("lynx", "--scale", "paper", "--slurm", "NODES=4", "--dry-run")
    status, _ = launch(monkeypatch, capsys, *arguments)
    assert status == 0
    text = written[0].replace(str(repository_root()), "/shared/lynx-lab")
    assert f"```bash\n{text}```" in DOCUMENT.read_text()
