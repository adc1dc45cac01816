"""Commands about machines: `lynx check` and `lynx launch`."""

from __future__ import annotations

import os
import shlex
import sys
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
        values = [value for value in values if not value.startswith("hardware.num_nodes=")]
        values.append(f"hardware.num_nodes={options['nodes']}")
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
        environment={key: os.environ[key] for key in sorted(os.environ) if _is_ours(key)},
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


def _is_ours(variable: str) -> bool:
    return variable.startswith("LYNX_") and variable != "LYNX_ROOT"


def check(
    name: Name = "lynx", overrides: Overrides = None, scale: Scale = "desk", seed: Seed = 0
) -> None:
    """Look at this machine as a run of the variant would, and say what is ok and what isn't."""
    from lynx.launch.preflight import inspect

    findings = inspect(composed(name, scale=scale, seed=seed, overrides=overrides))
    width = max(len(finding.check) for finding in findings)
    for finding in findings:
        word = "problem" if finding.is_problem else "ok"
        typer.echo(f"{word:<8} {finding.check:<{width}}  {finding.text}")
    bad = sum(finding.is_problem for finding in findings)
    if bad:
        raise LynxError(
            f"{name} at scale {scale} would not run here: {bad} of {len(findings)} checks"
        )
