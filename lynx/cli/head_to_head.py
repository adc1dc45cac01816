"""`lynx head-to-head`: runs and other models against each other, judged pair by pair."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lynx.config.compose import compose, load_config
from lynx.config.errors import LynxError
from lynx.config.nearest import nearest_hint

if TYPE_CHECKING:
    from lynx.config.schema import Config, JudgeConfig
    from lynx.evaluation.head_to_head.battles import TieRule
    from lynx.evaluation.head_to_head.schedule import Schedule
    from lynx.tracking.run_dir import RunDir

RULE = "rule:overlap:v1"
_FILES = "battles.jsonl, ratings.json, head2head.json and leaderboard.tsv"


def head_to_head(
    benchmark: Annotated[str, typer.Argument(help="A benchmark's name, such as visit_bench.")],
    runs: Annotated[
        list[Path] | None, typer.Argument(metavar="[RUN]...", help="Folders of evaluated runs.")
    ] = None,
    answers: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FILE", help="Another model's answers, as published; repeatable"),
    ] = None,
    judge: Annotated[
        str | None, typer.Option(help=f"A served model, or {RULE}; default: the configuration's.")
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(help="The judge's server, OpenAI-compatible.")
    ] = None,
    with_reference_shown: Annotated[
        bool, typer.Option(help="Show a served judge the reference answer as well.")
    ] = False,
    reference: Annotated[bool, typer.Option(help="Let the reference answers fight too.")] = True,
    tie_rule: Annotated[str, typer.Option(help="official: both orders won; readme: more won.")] = (
        "official"
    ),
    schedule: Annotated[str, typer.Option(help="all-pairs, or official.")] = "all-pairs",
    original: Annotated[
        list[str] | None,
        typer.Option(help="With the official schedule: a model that fights all pairs; repeatable."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the schedule, resamples and shuffles.")] = 0,
    offline: Annotated[bool, typer.Option(help="Only replies that are on disk.")] = False,
    judgements: Annotated[
        Path | None, typer.Option(help="Rate this head2head.json instead of judging.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Default: runs/<scale>/head_to_head/<benchmark>.")
    ] = None,
) -> None:
    """Judge the answers of runs and other models pair by pair, in both orders, and rate them."""
    from lynx.evaluation.build import build_benchmark
    from lynx.evaluation.head_to_head.build import build_pair_judge
    from lynx.evaluation.head_to_head.run import head_to_head as fight
    from lynx.evaluation.head_to_head.run import rate_file, results_dir
    from lynx.evaluation.judges.reply_store import judgements_dir
    from lynx.reporting.comparison_battles import ratings_text
    from lynx.tracking.run_dir import RunDir

    rule = _tie_rule(tie_rule)
    if judgements is not None:
        if runs or answers or out is None:
            raise LynxError("--judgements needs --out, and neither runs nor --answers")
        ratings = rate_file(judgements, out_dir=out, tie_rule=rule, seed=seed, say=_warn)
    else:
        run_dirs = [RunDir(run) for run in runs or ()]
        if not run_dirs:
            raise LynxError("name at least one evaluated run: the questions come from its config")
        asking = _config(run_dirs, benchmark)
        out = out or results_dir(run_dirs, benchmark)
        config = _judge(asking.evaluation.judge, judge, base_url)
        ratings = fight(
            benchmark,
            run_dirs,
            questions=build_benchmark(asking, benchmark, checkpoint="").questions,
            judge=build_pair_judge(
                config, cache_dir=judgements_dir(run_dirs[0].path),
                shows_reference=with_reference_shown, offline=offline,
            ),
            out_dir=out,
            answers=_files(answers),
            form=asking.evaluation.benchmarks[benchmark].format,
            with_reference=reference,
            tie_rule=rule,
            schedule=_schedule(schedule),
            originals=original or (),
            seed=seed,
            say=_warn,
        )  # fmt: skip
    typer.echo(ratings_text(ratings))
    typer.echo(f"\n{_FILES} in {out}")


def _config(runs: list[RunDir], benchmark: str) -> Config:
    """Of the first run that was trained when the benchmark was known, else of the scale today.

    An evaluation may be younger than the configuration in the run's folder, and another model's
    run has none.
    """
    own = [load_config(run.config_path) for run in runs if run.config_path.is_file()]
    scale = own[0].scale if own else runs[0].path.absolute().parents[1].name
    for config in own:
        if benchmark in config.evaluation.benchmarks:
            return config
    today = compose(scale=scale)
    known = today.evaluation.benchmarks
    if benchmark not in known:
        raise LynxError(
            f"no benchmark `{benchmark}` at scale {scale}{nearest_hint(benchmark, list(known))}; "
            f"there are: {', '.join(known)}"
        )
    return today


def _judge(config: JudgeConfig, name: str | None, base_url: str | None) -> JudgeConfig:
    return replace(config, name=name or config.name, base_url=base_url or config.base_url)


def _files(answers: list[str] | None) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for text in answers or ():
        name, sign, path = text.partition("=")
        if not (name and sign and path):
            raise LynxError(f"--answers {text}: NAME=FILE is needed, such as otter=otter.csv")
        if name in files:
            raise LynxError(f"--answers: two files are called {name}")
        files[name] = Path(path)
    return files


def _tie_rule(text: str) -> TieRule:
    if text == "official":
        return "official"
    if text == "readme":
        return "readme"
    raise LynxError(f"--tie-rule {text}: official or readme")


def _schedule(text: str) -> Schedule:
    if text == "all-pairs":
        return "all-pairs"
    if text == "official":
        return "official"
    raise LynxError(f"--schedule {text}: all-pairs or official")


def _warn(text: str) -> None:
    typer.echo(text, err=True)
