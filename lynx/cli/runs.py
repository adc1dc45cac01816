"""Commands about variants and runs: `lynx list | show | diff | train | evaluate | ...`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lynx.config.compose import (
    NO_VARIANT,
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
        where = f"Table {ablation.paper.get('table')}, {ablation.paper.get('row')}"
        typer.echo(f"  {ablation.name:<{width}}  of {ablation.base}; {where}")
        typer.echo(f"  {'':<{width}}  {ablation.question}")


@app.command()
def show(name: Name = "lynx", overrides: Overrides = None, scale: Scale = "desk") -> None:
    """Print the resolved configuration of a variant."""
    typer.echo(config_text(_compose(name, scale=scale, overrides=overrides)), nl=False)


@app.command()
def diff(base: Name, other: Name, overrides: Overrides = None, scale: Scale = "desk") -> None:
    """Print what two variants differ in, after everything is resolved."""
    pair = [_compose(name, scale=scale, overrides=overrides) for name in (base, other)]
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
    for config in _each_seed(name, scale=scale, seeds=seed, overrides=overrides):
        run_dir = _train(config, resume=resume)
        _say(f"trained: {run_dir.path}")


@app.command()
def evaluate(
    name: Name,
    overrides: Overrides = None,
    scale: Scale = "desk",
    seed: Seeds = None,
    resume: Resume = False,
) -> None:
    """Ask a trained variant the benchmarks' questions and judge its answers."""
    for config in _each_seed(name, scale=scale, seeds=seed, overrides=overrides):
        run_dir = _evaluate(config, resume=resume)
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
    paper_row(chosen.paper["table"], chosen.paper["row"])  # a typo must not wait for the trainings
    _say(f"{chosen.name}: {chosen.question}")
    # All is composed before anything is trained: a mistake in the ablation costs no hours.
    plans = {
        variant: _each_seed(variant, scale=scale, seeds=seed, overrides=overrides)
        for variant in (chosen.base, chosen.name)
    }
    for pair in zip(*plans.values(), strict=True):
        _check_one_factor(*pair, diff_keys=set(chosen.diff))
    runs: dict[str, list[RunDir]] = {}
    for variant, configs in plans.items():
        for config in configs:
            _say(f"== {variant}, scale {scale}, seed {config.seed}")
            _train(config, resume=resume)
            runs.setdefault(variant, []).append(_evaluate(config, resume=resume))
    if not is_first_rank():
        return
    text = ablation_report(runs[chosen.base], runs[chosen.name])
    typer.echo(text)
    log_report(runs[chosen.name][-1], plans[chosen.name][-1], name=chosen.name, text=text)


@app.command()
def table(
    number: Annotated[int, typer.Argument(help="Number of the paper's table.")],
    scale: Scale = "desk",
    seed: Seeds = None,
) -> None:
    """Print a table of the paper beside what the runs have measured, at all seeds or the given."""
    from lynx.reporting.tables import table as table_text

    output_dir = compose(scale=scale).tracking.output_dir
    typer.echo(table_text(number, scale=scale, output_dir=output_dir, seeds=seed or None))


@app.command()
def compare(run_a: Path, run_b: Path) -> None:
    """Compare two run folders on the questions that both have answered."""
    from lynx.reporting.comparison import comparison_text
    from lynx.tracking.run_dir import RunDir

    typer.echo(comparison_text(RunDir(run_a), RunDir(run_b)))


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


def _compose(
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
        _compose(name, scale=scale, seed=seed, overrides=overrides)
        for seed in dict.fromkeys(seeds or [0])
    ]


def _check_one_factor(base: Config, other: Config, *, diff_keys: set[str]) -> None:
    """Overrides may change both sides, but must leave them apart by the ablation's diff."""
    lost = sorted(diff_keys - set(resolved_diff(base, other)))
    if lost:
        raise LynxError(
            f"{other.ablation}: with the values given on the command line, `{lost[0]}` is the same "
            f"as in {base.experiment}, so there is nothing to compare; leave those values out"
        )


def _train(config: Config, *, resume: bool) -> RunDir:
    from lynx.training.run import train as train_run

    return train_run(config, ablation_diff_text=_diff_to_base(config), resume=resume)


def _diff_to_base(config: Config) -> str:
    """What an ablation and the command line change in the experiment; empty for nothing."""
    base = compose(experiment=config.experiment, scale=config.scale, seed=config.seed)
    return diff_text(base, config) if resolved_diff(base, config) else ""


def _evaluate(config: Config, *, resume: bool) -> RunDir:
    from lynx.tracking.run_dir import RunDir

    run_dir = RunDir.of(config)
    _check_trained_as(config, run_dir)
    for stage in STAGE_NAMES:
        if not run_dir.is_complete(stage):
            name = config.ablation or config.experiment
            raise LynxError(
                f"{run_dir.path}: stage {stage} is not complete, so there is nothing to evaluate; "
                f"first `lynx train {name} --scale {config.scale} --seed {config.seed} --resume` "
                "with the same overrides"
            )
    from lynx.evaluation.run import evaluate as evaluate_run
    from lynx.tracking.memory import release_memory

    evaluate_run(run_dir, config, resume=resume)
    release_memory()
    return run_dir


def _check_trained_as(config: Config, run_dir: RunDir) -> None:
    """A folder keeps its name when an experiment or a scale is edited; its weights are then old."""
    if not run_dir.config_path.exists():
        return  # said better by the check of the stages
    changed = resolved_diff(load_config(run_dir.config_path), config)
    old = [key for key in changed if _decides_weights(key)]
    if old:
        key = old[0]
        raise LynxError(
            f"{run_dir.path}: was trained with {key} {changed[key][0]}, which is now "
            f"{changed[key][1]}; restore the value, or train it again: `lynx train "
            f"{config.ablation or config.experiment} --scale {config.scale} --seed {config.seed}`"
        )


def _decides_weights(key: str) -> bool:
    """Whether a stage's address holds the key; how a step is spread over devices is not in it."""
    if key == "hardware.precision":
        return True
    elsewhere = ("evaluation.", "vocabulary.", "hardware.", "data.pack", *NO_VARIANT)
    return not key.startswith(elsewhere) and not key.endswith(".micro_batch_size")
