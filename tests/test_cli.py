"""The commands that need no training, and how every command tells of a mistake."""

from __future__ import annotations

import ast
import importlib
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from lightning.pytorch.utilities.rank_zero import rank_zero_only

from lynx import cli
from lynx.cli import runs
from lynx.config.compose import compose, config_text
from lynx.config.schema import STAGE_NAMES, Config
from lynx.tracking.files import write_text_atomic
from lynx.tracking.run_dir import RunDir


def _run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of `lynx <arguments>`."""
    monkeypatch.setattr(sys, "argv", ["lynx", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    printed = capsys.readouterr()
    return int(ended.value.code or 0), printed.out, printed.err


@pytest.fixture
def lynx(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    return lambda *arguments: _run(monkeypatch, capsys, *arguments)


def test_list_names_what_there_is(lynx) -> None:  # type: ignore[no-untyped-def]
    status, out, _ = lynx("list")
    assert status == 0
    for word in ("lynx", "desk", "paper", "no_diverse_prompts", "w/o high-resolution"):
        assert word in out


def test_diff_prints_the_resolved_diff_at_a_scale(lynx) -> None:  # type: ignore[no-untyped-def]
    status, out, _ = lynx("diff", "lynx", "low_resolution", "--scale", "paper")
    assert status == 0
    assert (
        out == "stages.resolution.image_size: 420 -> 224\nstages.instruct.image_size: 420 -> 224\n"
    )


def test_show_prints_a_variant_with_overrides_in_any_order(lynx) -> None:  # type: ignore[no-untyped-def]
    for arguments in (
        ["noisy_data", "stages.pretrain.steps=7", "--scale", "gpu"],
        ["--scale", "gpu", "noisy_data", "stages.pretrain.steps=7"],
    ):
        status, out, _ = lynx("show", *arguments)
        assert status == 0 and "steps: 7" in out and "recipe: pretrain_noisy" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "lnyx"], "no experiment or ablation named `lnyx`; nearest is `lynx`"),
        (["ablation", "no_divers_prompts"], "nearest is `no_diverse_prompts`"),
        (["show", "lynx", "stages.pretrain.step=3"], "nearest is `stages.pretrain.steps`"),
        (["show", "--scale", "dsk"], "nearest is `desk`"),
        (["diff", "lynx", "lynx"], "nothing differs"),
        (["evaluate", "lynx", "tracking.output_dir=/nowhere"], "stage pretrain is not complete"),
        (["recipe", "show", "pretrian"], "pretrain"),
        (
            ["ablation", "low_resolution", "vocabulary.image_size.low=112"],
            "`stages.instruct.image_size` is the same as in lynx",
        ),
    ],
)
def test_a_mistake_is_one_message_on_stderr_and_exit_status_2(  # type: ignore[no-untyped-def]
    lynx, arguments: list[str], message: str
) -> None:
    status, out, err = lynx(*arguments)
    assert status == 2
    assert err.startswith("error: ") and message in err
    assert "Traceback" not in err + out


def test_a_run_trained_with_other_values_is_not_evaluated_as_todays(  # type: ignore[no-untyped-def]
    lynx, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LYNX_RUNS", str(tmp_path))
    config = compose()
    run_dir = RunDir.of(config)
    write_text_atomic(
        run_dir.config_path,
        config_text(config).replace("global_batch_size: ", "global_batch_size: 1"),
    )
    status, _, err = lynx("evaluate", "lynx")
    assert status == 2
    assert "was trained with stages.pretrain.global_batch_size 1" in err and "train it again" in err


def test_a_seed_given_twice_is_run_once() -> None:
    configs = runs._each_seed("lynx", scale="desk", seeds=[1, 0, 1], overrides=None)
    assert [config.seed for config in configs] == [1, 0]


def test_the_command_line_starts_without_the_heavy_packages() -> None:
    code = (
        "import sys, lynx.cli\n"
        "print([name for name in ('torch', 'lightning', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_name_that_a_command_imports_exists() -> None:
    files = Path(cli.__file__).parent.glob("*.py")
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    names = [(node.module, alias.name) for node in imports for alias in node.names]
    own = [(module, name) for module, name in names if module and module.startswith("lynx.")]
    assert len(own) > 10
    assert [pair for pair in own if not hasattr(importlib.import_module(pair[0]), pair[1])] == []


def test_an_ablation_trains_and_evaluates_its_base_first_and_every_seed(  # type: ignore[no-untyped-def]
    lynx, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LYNX_RUNS", str(tmp_path))
    calls: list[tuple[object, ...]] = []

    def train(config: Config, *, ablation_diff_text: str, resume: bool) -> RunDir:
        run_dir = RunDir.of(config)
        for stage in STAGE_NAMES:
            run_dir.stage_dir(stage).mkdir(parents=True)
            run_dir.stage_record_path(stage).write_text("{}")
        calls.append(("train", config.ablation, config.seed, ablation_diff_text, resume))
        return run_dir

    def evaluate(
        run_dir: RunDir, config: Config, *, resume: bool, benchmarks: tuple[str, ...]
    ) -> None:
        assert benchmarks == ()
        calls.append(("evaluate", config.ablation, config.seed, resume))

    def report(base: list[RunDir], other: list[RunDir]) -> str:
        return "/".join(run.path.name for run in [*base, *other])

    for module, names in {
        "lynx.training.run": {"train": train, "connect": lambda config: None},
        "lynx.evaluation.run": {"evaluate": evaluate},
        "lynx.reporting.tables": {"ablation_report": report},
        "lynx.reporting.wandb_report": {"log_report": lambda *_, **__: None},
    }.items():
        monkeypatch.setitem(sys.modules, module, SimpleNamespace(**names))
    _, out, _ = lynx("ablation", "noisy_data", "--seed", "0", "--seed", "1", "--resume")
    text = "stages.pretrain.recipe: pretrain -> pretrain_noisy\n"
    assert calls == [
        ("train", None, 0, "", True), ("evaluate", None, 0, True),
        ("train", None, 1, "", True), ("evaluate", None, 1, True),
        ("train", "noisy_data", 0, text, True), ("evaluate", "noisy_data", 0, True),
        ("train", "noisy_data", 1, text, True), ("evaluate", "noisy_data", 1, True),
    ]  # fmt: skip
    assert out.rstrip().endswith("seed0/seed1/seed0/seed1")
    calls.clear()
    shutil.rmtree(tmp_path / "desk")
    monkeypatch.setattr(rank_zero_only, "rank", 1)
    _, out, _ = lynx("ablation", "noisy_data")
    assert (len(calls), out) == (
        4,
        "",
    )  # rank zero says it all


@pytest.mark.parametrize(("parent_lives", "said"), [(True, "error: rank 1: "), (False, "")])
def test_another_rank_lets_rank_zero_speak_first(  # type: ignore[no-untyped-def]
    lynx, monkeypatch: pytest.MonkeyPatch, parent_lives: bool, said: str
) -> None:
    parents = iter([7, 7 if parent_lives else 1])
    waits: list[float] = []
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setattr("lynx.cli.os.getppid", lambda: next(parents))
    monkeypatch.setattr("lynx.cli.time.sleep", waits.append)
    code, _, error = lynx("show", "lynks")
    assert code == 2
    assert waits and error.startswith(said) and bool(error) == bool(said)
