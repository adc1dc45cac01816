"""Tests that each check of a machine finds what it is for, and that a good machine passes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import yaml

from lynx.cli import runs
from lynx.config.compose import compose
from lynx.config.errors import LynxError
from lynx.config.schema import STAGE_NAMES, Config
from lynx.launch import devices, room
from lynx.launch.finding import Finding
from lynx.launch.preflight import check_machine, inspect
from lynx.planning.disk import needed_bytes
from lynx.tracking.run_dir import RunDir
from lynx.training import run as training_run
from tests.tiny import tiny_catalog, tiny_config

LAUNCHERS = ("TORCHELASTIC_RUN_ID", "SLURM_STEP_NUM_TASKS", "NODE_RANK", "LOCAL_RANK")
TORCHRUN = {"WORLD_SIZE": 8, "LOCAL_WORLD_SIZE": 8, "GROUP_WORLD_SIZE": 1}
SRUN = {"SLURM_STEP_NUM_TASKS": 8, "SLURM_NTASKS_PER_NODE": 8, "SLURM_NNODES": 1}
WANDB = ("WANDB_API_KEY", "WANDB_MODE", "WANDB_BASE_URL", "NETRC")


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody has started this process, and results go where there is nothing."""
    for name in (*LAUNCHERS, *WANDB, "SLURM_LOCALID", "LYNX_SKIP_CHECKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LYNX_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes torch see GPUs of the given number and memory."""

    def see(count: int, *, gib: float = 80, bf16: bool = True) -> None:
        seen = SimpleNamespace(name="NVIDIA A100", total_memory=round(gib * 2**30))
        for name, value in {
            "device_count": lambda: count,
            "get_device_properties": lambda _: seen,
            "get_device_name": lambda _: seen.name,
            "is_bf16_supported": lambda including_emulation=True: bf16,
        }.items():
            monkeypatch.setattr(torch.cuda, name, value)
        monkeypatch.setattr(torch.cuda.nccl, "version", lambda: (2, 27, 5))
        monkeypatch.setattr(torch.distributed, "is_nccl_available", lambda: True)

    return see


def paper(**values: Any) -> Config:
    """Lynx at paper scale on one node, with the given values."""
    overrides = [f"{key.replace('__', '.')}={value}" for key, value in values.items()]
    return compose(scale="paper", overrides=["hardware.num_nodes=1", *overrides])


def found(config: Config, check: str) -> Finding:
    """What the check of this name says."""
    return next(one for one in inspect(config) if one.check == check)


def test_the_desk_run_passes_on_a_machine_without_gpus() -> None:
    findings = inspect(compose())
    assert [one for one in findings if one.is_problem] == []
    assert {"processes", "data", "memory", "disk", "output", "W&B"} <= {x.check for x in findings}
    check_machine(compose())


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(LynxError) as raised:
        check_machine(paper())
    text = str(raised.value)
    assert text.startswith("lynx at scale paper would not run:\n  GPUs: torch sees none")
    for check in ("NCCL", "vision encoder", "language model", "data", "questions"):
        assert f"\n  {check}: " in text


def test_gpus_that_are_enough_are_named_with_their_memory(gpus: Callable[..., None]) -> None:
    gpus(8)
    assert found(paper(), "GPUs") == Finding("GPUs", "8 (NVIDIA A100, 80 GiB)")
    assert found(paper(), "NCCL") == Finding("NCCL", "2.27.5")
    assert not found(paper(), "bf16").is_problem


def test_too_few_gpus_are_a_problem(gpus: Callable[..., None]) -> None:
    gpus(4)
    one = found(paper(), "GPUs")
    assert one.is_problem and "hardware.devices is 8" in one.text


def test_a_gpu_without_bfloat16_is_a_problem_where_it_is_wanted(gpus: Callable[..., None]) -> None:
    gpus(8, bf16=False)
    assert found(paper(), "bf16").is_problem
    full = paper(
        hardware__precision="fp32", hardware__frozen_dtype="fp32", hardware__attention="sdpa"
    )
    assert "bf16" not in {one.check for one in inspect(full)}


def test_missing_nccl_and_deepspeed_are_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.distributed, "is_nccl_available", lambda: False)
    monkeypatch.setattr(devices, "find_spec", lambda _: None)
    assert found(paper(), "NCCL").is_problem
    assert "hardware.strategy=ddp" in found(paper(), "DeepSpeed").text
    alone = compose(scale="gpu")
    assert not {"NCCL", "DeepSpeed"} & {one.check for one in inspect(alone)}


def test_several_nodes_that_nobody_has_started_are_a_problem(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = found(compose(scale="paper"), "processes")
    assert one.is_problem and "torchrun" in one.text and "lynx launch" in one.text
    monkeypatch.setenv("NODE_RANK", "0")  # of Lightning's own way over several nodes
    assert not found(compose(scale="paper"), "processes").is_problem


@pytest.mark.parametrize(
    ("starter", "variables"),
    [("torchrun", {"TORCHELASTIC_RUN_ID": "x"} | TORCHRUN), ("srun", SRUN)],
)
def test_processes_are_counted_against_the_configuration(
    starter: str, variables: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, str(value))
    assert found(paper(), "processes") == Finding("processes", f"1 x 8, by {starter}")
    four = found(paper(hardware__devices=4), "processes")
    assert four.is_problem and "hardware.devices is 4, not 8" in four.text
    assert "num_nodes" not in four.text
    nodes = found(compose(scale="paper"), "processes")
    assert nodes.is_problem and "hardware.num_nodes is 4, not 1" in nodes.text
    monkeypatch.setenv(list(variables)[0 if starter == "srun" else 1], "9")
    uneven = found(paper(), "processes")
    assert uneven.is_problem and uneven.text.endswith("says: their product is 8, not 9")


def test_srun_must_say_how_many_tasks_a_node_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "8")
    monkeypatch.setenv("SLURM_NNODES", "1")
    monkeypatch.delenv("SLURM_NTASKS_PER_NODE", raising=False)
    one = found(paper(), "processes")
    assert one.is_problem and "without --ntasks-per-node" in one.text


def test_an_attention_that_this_torch_lacks_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(compose(), "attention") == Finding("attention", "eager")
    monkeypatch.setitem(sys.modules, "torch.nn.attention.varlen", None)
    one = found(compose(overrides=["hardware.attention=varlen"]), "attention")
    assert one.is_problem and "needs torch 2.12" in one.text


def test_the_sources_that_are_missing_are_listed_and_counted(tmp_path: Path) -> None:
    shards = tiny_catalog(tmp_path)
    (tmp_path / "catalog.yaml").write_text(
        yaml.safe_dump({"sources": {name: str(folder) for name, folder in shards.items()}})
    )
    config = tiny_config(tmp_path, {"data.catalog": str(tmp_path / "catalog.yaml")})
    assert not found(config, "data").is_problem
    (shards["vqav2"] / "manifest.json").unlink()
    text = found(config, "data").text
    assert "1 of 50 sources have no manifest.json in their folder, such as vqav2; `lynx" in text
    for name in ("vqav2", "okvqa"):
        shards[name].rename(tmp_path / name)
    text = found(config, "data").text
    assert "2 of 50 sources have no shards, such as okvqa: there is no folder" in text
    assert "vqav2" not in text and "`lynx data build SOURCE --from FOLDER`" in text
    assert found(config, "data").is_problem


def test_a_backbone_that_lacks_a_file_of_its_index_is_a_problem(tmp_path: Path) -> None:
    config = tiny_config(tmp_path)
    assert not found(config, "language model").is_problem
    folder = Path(config.model.language_model.checkpoint)
    index = {"weight_map": {"lm_head.weight": "model-00001-of-00002.safetensors"}}
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    one = found(config, "language model")
    assert one.is_problem and "lacks 1 files, such as model-00001-of-00002" in one.text
    for path in folder.iterdir():
        path.unlink()
    assert "lacks 2 files, such as config.json" in found(config, "language model").text


def test_questions_that_are_not_there_are_told_of_before_the_training() -> None:
    one = found(paper(), "questions")
    assert one.is_problem and "Open_VQA_images.jsonl; `lynx benchmarks list` says" in one.text


def test_a_folder_of_questions_is_there_too_and_others_can_be_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "MME_Benchmark_release_version").mkdir()
    monkeypatch.setenv("LYNX_MME", str(tmp_path))
    one = found(paper(), "questions")
    assert one.is_problem and "leave them out: evaluation.ask_only=[mme]" in one.text
    one = found(paper(evaluation__ask_only="[mme]"), "questions")
    assert not one.is_problem and one.text == "1 benchmarks"


def test_a_run_that_does_not_fit_a_gpu_is_a_problem(gpus: Callable[..., None]) -> None:
    gpus(2, gib=1.5)
    desk = compose(overrides=["hardware.accelerator=gpu"])
    one = found(desk, "memory")
    assert one.is_problem and "micro_batch_size" in one.text
    gpus(2, gib=1.91)  # of which 0.9 hold what is needed by its samples, not by the paper's
    assert found(desk, "memory").text.startswith("1.7 GiB are forecast (stage resolution), 1.7")
    assert not found(desk, "memory").is_problem


def test_a_forecast_of_memory_stops_nothing_where_it_rests_on_the_papers_samples(
    gpus: Callable[..., None],
) -> None:
    gpus(8, gib=24)
    one = found(paper(), "memory")
    assert one.is_warning and not one.is_problem and "as long as the paper's" in one.text
    gpus(8, gib=2000)
    assert not found(paper(), "memory").is_warning


def test_a_run_on_cpus_is_held_against_the_memory_that_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meminfo = tmp_path / "meminfo"
    monkeypatch.setattr(room, "_MEMINFO", meminfo)
    assert "memory" not in {one.check for one in inspect(compose())}  # not Linux
    meminfo.write_text("MemTotal: 9 kB\nMemAvailable:  100000 kB\n")
    assert found(compose(), "memory").is_problem
    meminfo.write_text("MemAvailable:  900000000 kB\n")
    assert not found(compose(), "memory").is_problem


def test_what_a_run_has_written_already_is_not_needed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = compose()
    monkeypatch.setattr(room.shutil, "disk_usage", lambda _: usage)
    usage = SimpleNamespace(free=needed_bytes(config) - 1)
    one = found(config, "disk")
    assert one.is_problem and "LYNX_RUNS" in one.text
    folder = tmp_path / "runs" / "desk" / "lynx" / "seed0" / "pretrain"
    folder.mkdir(parents=True)
    (folder / "step.ckpt").write_bytes(b"1")
    assert not found(config, "disk").is_problem
    for stage in STAGE_NAMES:
        (folder.parent / stage).mkdir(exist_ok=True)
        (folder.parent / stage / "stage.json").write_text("{}")
    assert found(config, "disk").text.startswith("0.0 GiB are to be written")


def test_the_disk_must_hold_all_runs_of_a_command_and_shared_stages_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    base, seed, same = compose(), compose(seed=1), compose(ablation="plug_and_play")
    alone = needed_bytes(base)
    usage = SimpleNamespace(free=alone)
    monkeypatch.setattr(room.shutil, "disk_usage", lambda _: usage)
    assert not any(one.is_problem for one in inspect(base, same))
    with pytest.raises(LynxError, match="lynx at scale desk would not run:\n  disk: "):
        check_machine(base, seed)
    usage.free = 2 * alone
    assert check_machine(base, seed) == []


def test_an_output_folder_that_cannot_be_written_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)
    one = found(compose(), "output")
    assert one.is_problem and str(tmp_path) in one.text
    (tmp_path / "runs").write_text("a file")
    assert found(compose(), "output").is_problem


def test_wandb_online_needs_a_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert found(compose(), "W&B") == Finding("W&B", "offline")
    monkeypatch.setenv("WANDB_MODE", "online")
    one = found(compose(), "W&B")
    assert one.is_warning and not one.is_problem and "no key was found" in one.text
    (tmp_path / ".netrc").write_text("machine api.wandb.ai login user password x\n")
    (tmp_path / ".netrc").chmod(0o600)
    assert not found(compose(), "W&B").is_warning
    monkeypatch.setenv("WANDB_BASE_URL", "https://metrics.example.org")
    assert found(compose(), "W&B").is_warning
    (tmp_path / "keys").write_text("machine metrics.example.org login user password x\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "keys"))
    assert not found(compose(), "W&B").is_warning


def test_what_stops_nothing_is_told_before_the_training(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(training_run, "train", lambda config, **_: RunDir.of(config))
    monkeypatch.setenv("WANDB_MODE", "online")
    runs.train("lynx")
    assert "warning: W&B: WANDB_MODE is online and no key" in capsys.readouterr().out


def test_a_node_looks_at_itself_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_LOCALID", "3")
    check_machine(paper())
    monkeypatch.setenv("SLURM_LOCALID", "0")
    with pytest.raises(LynxError, match="set LYNX_SKIP_CHECKS=1"):
        check_machine(paper())
    monkeypatch.setenv("LYNX_SKIP_CHECKS", "1")
    check_machine(paper())


def test_no_training_begins_on_a_machine_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_run, "train", lambda *_, **__: pytest.fail("it trained"))
    with pytest.raises(LynxError, match="lynx at scale paper would not run"):
        runs.train("lynx", scale="paper")
    with pytest.raises(LynxError, match="would not run"):
        runs.ablation("low_resolution", scale="paper")


def test_check_prints_every_check_and_fails_with_a_count(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from lynx.cli.launch import check

    monkeypatch.setenv("WANDB_MODE", "online")
    check("lynx")
    assert "warning  W&B " in capsys.readouterr().out
    monkeypatch.setenv("WANDB_MODE", "dryrun")
    check("lynx")
    out = capsys.readouterr().out
    assert "ok       processes" in out and "problem" not in out
    with pytest.raises(LynxError, match=r"would not run here: \d of \d+ checks"):
        check("lynx", scale="paper")
    assert "problem  GPUs " in capsys.readouterr().out
