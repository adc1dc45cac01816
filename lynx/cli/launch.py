"""Commands about machines: `lynx check` and `lynx launch`."""

from __future__ import annotations

import os
import shlex
import sys
import textwrap
from pathlib import Path
from typing import Annotated

import typer

from lynx.cli.runs import Name, Overrides, Scale, ablation_plans, composed
from lynx.config.compose import ablation_names, load_ablation
from lynx.config.errors import LynxError

Seed = Annotated[int, typer.Option("--seed", help="One job has one seed.")]


def launch(
    name: Name,
    overrides: Overrides = None,
    scale: Scale = "desk",
    seed: Seed = 0,
    slurm: Annotated[
        list[str] | None,
        typer.Option(help="KEY=VALUE: an option of sbatch, such as NODES=4 or TIME=1-00:00:00."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The script; by default in the run's folder.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write it, don't submit it.")] = False,
) -> None:
    """Write a variant's SLURM script and submit it: it trains, evaluates and survives preemption.

    An ablation's job trains its base too, or takes over what is trained of it.
    """
    from lynx.config.paths import repository_root
    from lynx.launch.slurm import read_options, slurm_script, submit
    from lynx.tracking.files import write_text_atomic
    from lynx.tracking.run_dir import RunDir

    options = read_options(slurm or [])
    values = list(overrides or [])
    if "nodes" in options:
        stated = f"hardware.num_nodes={options['nodes']}"
        others = [one for one in values if one.startswith("hardware.num_nodes=") and one != stated]
        if others:
            raise LynxError(f"--slurm NODES={options['nodes']} contradicts {others[0]}: give one")
        values = [*(value for value in values if value != stated), stated]
    if name in ablation_names():
        commands = ["ablation"]
        plans = ablation_plans(load_ablation(name), scale=scale, seeds=[seed], overrides=values)
        config = plans[name][0]
    else:
        commands = ["train", "evaluate"]
        config = composed(name, scale=scale, seed=seed, overrides=values)
    what = [name, *values, "--scale", scale, "--seed", str(seed), "--resume"]
    folder = RunDir.of(config).path / "launch"
    script = out or folder / "job.sh"
    text = slurm_script(
        config,
        [["lynx", command, *what] for command in commands],
        written_by=shlex.join(["lynx", *sys.argv[1:]]),
        options=options,
        environment=_our_environment(str(repository_root())),
        repository=repository_root(),
        bin_dir=Path(sys.prefix) / "bin",
        log_dir=folder,
    )
    folder.mkdir(parents=True, exist_ok=True)  # SLURM makes no folder for its log
    write_text_atomic(script, text)
    typer.echo(f"written: {script}")
    if dry_run:
        typer.echo(text, nl=False)
        return
    typer.echo(f"submitted: job {submit(script)}; it prints to {folder}/slurm-<job>.log")


def _our_environment(root: str) -> dict[str, str]:
    """LYNX_ROOT as `root`: the job starts elsewhere, where a relative path would mean another."""
    found = {key: os.environ[key] for key in sorted(os.environ) if key.startswith("LYNX_")}
    return found | ({"LYNX_ROOT": root} if "LYNX_ROOT" in found else {})


def check(
    name: Name = "lynx", overrides: Overrides = None, scale: Scale = "desk", seed: Seed = 0
) -> None:
    """Look at this machine as a run of the variant would, and say what is ok and what isn't."""
    from lynx.launch.preflight import inspect

    findings = inspect(composed(name, scale=scale, seed=seed, overrides=overrides))
    width = max(len(finding.check) for finding in findings)
    for finding in findings:
        word = "problem" if finding.is_problem else "warning" if finding.is_warning else "ok"
        indent = " " * (width + 11)
        text = textwrap.fill(
            finding.text, 100, initial_indent=indent, subsequent_indent=indent,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
        typer.echo(f"{word:<8} {finding.check:<{width}}  {text.lstrip()}")
    bad = sum(finding.is_problem for finding in findings)
    if bad:
        raise LynxError(
            f"{name} at scale {scale} would not run here: {bad} of {len(findings)} checks"
        )
