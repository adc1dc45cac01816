"""Commands about variants and runs: `lynx list | show | diff | train | evaluate | ...`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lynx.cli.checks import check_one_factor, check_trained_as
from lynx.config.ablation import Ablation
from lynx.config.compose import (
    ablation_names,
    compose,
    config_text,
    list_ablations,
    list_experiments,
    list_scales,
    load_ablation,
    load_config,
)
from lynx.config.diff import diff_text, resolved_diff
from lynx.config.errors import LynxError
from lynx.config.nearest import nearest_hint
from lynx.config.schema import STAGE_NAMES, Config

if TYPE_CHECKING:
    from lynx.tracking.run_dir import RunDir

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Train, ablate and evaluate multimodal language models, one factor at a time.",
)

Name = Annotated[str, typer.Argument(help="An experiment or an ablation.")]
Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Values that come last.")
]
Scale = Annotated[str, typer.Option(help="desk, gpu, paper, or another file of experiments/scale.")]
Seeds = Annotated[list[int] | None, typer.Option("--seed", help="May be given several times; 0.")]
Benchmarks = Annotated[
    list[str] | None, typer.Option("--benchmark", help="May be given several times; all.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")]


@app.command("list")
def list_command() -> None:
    """Name every experiment, ablation and scale."""
    typer.echo(f"experiments  {' '.join(list_experiments())}")
    typer.echo(f"scales       {' '.join(list_scales())}")
    typer.echo("ablations")
    ablations = list_ablations()
    width = max((len(ablation.name) for ablation in ablations), default=0)
    for ablation in ablations:
        rows = [f"Table {row['table']}, {row['row']}" for row in ablation.paper_rows]
        where = "; ".join(rows) or "no row of the paper"
        typer.echo(f"  {ablation.name:<{width}}  of {ablation.base}; {where}")
        typer.echo(f"  {'':<{width}}  {ablation.question}")


@app.command()
def show(name: Name = "lynx", overrides: Overrides = None, scale: Scale = "desk") -> None:
    """Print the resolved configuration of a variant."""
    typer.echo(config_text(composed(name, scale=scale, overrides=overrides)), nl=False)


@app.command()
def diff(base: Name, other: Name, overrides: Overrides = None, scale: Scale = "desk") -> None:
    """Print what two variants differ in, after everything is resolved."""
    pair = [composed(name, scale=scale, overrides=overrides) for name in (base, other)]
    typer.echo(diff_text(*pair), nl=False)


@app.command()
def train(
    name: Name,
    overrides: Overrides = None,
    scale: Scale = "desk",
    seed: Seeds = None,
    resume: Resume = False,
) -> None:
    """Train a variant through its stages."""
    configs = _each_seed(name, scale=scale, seeds=seed, overrides=overrides)
    with _running(configs):
        for config in configs:
            run_dir = _train(config, resume=resume)
            _say(f"trained: {run_dir.path}")


@app.command()
def evaluate(
    name: Annotated[str, typer.Argument(help="An experiment, an ablation, or a run's folder.")],
    overrides: Overrides = None,
    scale: Scale = "desk",
    seed: Seeds = None,
    resume: Resume = False,
    benchmark: Benchmarks = None,
) -> None:
    """Ask a trained variant the benchmarks' questions and judge its answers."""
    from lynx.tracking.run_dir import RunDir

    own = RunDir(Path(name))
    if own.config_path.is_file():
        config = load_config(own.config_path, overrides or ())
        check_trained_as(config, own)
        with _running():
            _ask(own, config, resume=resume, benchmarks=benchmark)
        _say(f"evaluated: {own.path}")
        return
    configs = _each_seed(name, scale=scale, seeds=seed, overrides=overrides)
    with _running():
        for config in configs:
            run_dir = _evaluate(config, resume=resume, benchmarks=benchmark)
            _say(f"evaluated: {run_dir.path}")


@app.command()
def ablation(
    name: Annotated[str, typer.Argument(help="An ablation.")],
    overrides: Overrides = None,
    scale: Scale = "desk",
    seed: Seeds = None,
    resume: Resume = False,
) -> None:
    """Train and evaluate an ablation and its base, and print them beside the paper's rows."""
    from lynx.reporting.paper_facts import paper_row
    from lynx.reporting.tables import ablation_report
    from lynx.reporting.wandb_report import log_report
    from lynx.tracking.ranks import is_first_rank

    chosen = load_ablation(name)
    for place in chosen.paper_rows:  # a typo must not wait for the trainings
        paper_row(place["table"], place["row"])
    _say(f"{chosen.name}: {chosen.question}")
    plans = ablation_plans(chosen, scale=scale, seeds=seed, overrides=overrides)
    runs: dict[str, list[RunDir]] = {}
    with _running([config for configs in plans.values() for config in configs]):
        for variant, configs in plans.items():
            for config in configs:
                _say(f"== {variant}, scale {scale}, seed {config.seed}")
                _train(config, resume=resume)
                runs.setdefault(variant, []).append(_evaluate(config, resume=resume))
        if is_first_rank():
            text = ablation_report(runs[chosen.base], runs[chosen.name])
            typer.echo(text)
            log_report(runs[chosen.name][-1], plans[chosen.name][-1], name=chosen.name, text=text)


@app.command("caption-loss")
def caption_loss(
    run: Annotated[Path, typer.Argument(help="A finished run's folder.")],
    shards: Annotated[Path, typer.Argument(help="Folder of a source's shards, held out.")],
    pool: Annotated[str, typer.Option(help="Prompt pool of the source.")] = "caption_brief",
    shown: Annotated[int, typer.Option(help="Captions to print, as the model says them.")] = 8,
) -> None:
    """Loss on captions with the right pictures and with swapped ones, and what the model says."""
    from lynx.reporting.captions import captions_text
    from lynx.tracking.run_dir import RunDir

    typer.echo(captions_text(RunDir(run), shards, pool=pool, num_shown=shown))


def _say(text: str) -> None:
    """Print, once where several processes run the same command."""
    from lynx.tracking.ranks import is_first_rank

    if is_first_rank():
        typer.echo(text)


def composed(
    name: str, *, scale: str, seed: int = 0, overrides: Sequence[str] | None = None
) -> Config:
    """The variant called `name`, which is an ablation or an experiment."""
    ablations = ablation_names()
    experiments = list_experiments()
    values = overrides or ()
    if name in ablations:
        return compose(ablation=name, scale=scale, seed=seed, overrides=values)
    if name in experiments:
        return compose(experiment=name, scale=scale, seed=seed, overrides=values)
    hint = nearest_hint(name, [*ablations, *experiments])
    raise LynxError(f"no experiment or ablation named `{name}`{hint}; `lynx list` names them all")


def _each_seed(
    name: str, *, scale: str, seeds: list[int] | None, overrides: Sequence[str] | None
) -> list[Config]:
    """The variant at each seed, a seed given twice once: pooled twice, it would count double."""
    return [
        composed(name, scale=scale, seed=seed, overrides=overrides)
        for seed in dict.fromkeys(seeds or [0])
    ]


def ablation_plans(
    chosen: Ablation, *, scale: str, seeds: list[int] | None, overrides: Sequence[str] | None
) -> dict[str, list[Config]]:
    """The base and the ablation at each seed; a mistake in the ablation costs no training."""
    plans = {
        variant: _each_seed(variant, scale=scale, seeds=seeds, overrides=overrides)
        for variant in (chosen.base, chosen.name)
    }
    for pair in zip(*plans.values(), strict=True):
        check_one_factor(*pair, diff_keys=set(chosen.diff))
    return plans


@contextmanager
def _running(configs: Iterable[Config] = ()) -> Iterator[None]:
    """What training and evaluating need around them, on every rank; configs: to be trained."""
    from lynx.launch.preflight import check_machine
    from lynx.tracking.ranks import agreed
    from lynx.tracking.stopping import ended_by_signals

    with ended_by_signals():
        for text in check_machine(*configs):
            _say(f"warning: {text}")
        yield
        agreed(None)  # SLURM ends a job a minute after one of its processes


def _train(config: Config, *, resume: bool) -> RunDir:
    from lynx.training.run import train as train_run

    return train_run(config, ablation_diff_text=_diff_to_base(config), resume=resume)


def _diff_to_base(config: Config) -> str:
    """What an ablation and the command line change in the experiment; empty for nothing."""
    base = compose(experiment=config.experiment, scale=config.scale, seed=config.seed)
    return diff_text(base, config) if resolved_diff(base, config) else ""


def _evaluate(config: Config, *, resume: bool, benchmarks: Sequence[str] | None = None) -> RunDir:
    from lynx.tracking.run_dir import RunDir

    run_dir = RunDir.of(config)
    check_trained_as(config, run_dir)
    for stage in STAGE_NAMES:
        if not run_dir.is_complete(stage):
            name = config.ablation or config.experiment
            raise LynxError(
                f"{run_dir.path}: stage {stage} is not complete, so there is nothing to evaluate; "
                f"first `lynx train {name} --scale {config.scale} --seed {config.seed} --resume` "
                "with the same overrides"
            )
    _ask(run_dir, config, resume=resume, benchmarks=benchmarks)
    return run_dir


def _ask(
    run_dir: RunDir, config: Config, *, resume: bool, benchmarks: Sequence[str] | None
) -> None:
    from lynx.evaluation.run import evaluate as evaluate_run
    from lynx.tracking.memory import release_memory
    from lynx.training.run import connect

    connect(config)
    evaluate_run(run_dir, config, resume=resume, benchmarks=benchmarks or ())
    release_memory()
