"""The options that commands about judges share, and the judge and files that they name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lynx.config.errors import LynxError

if TYPE_CHECKING:
    from lynx.config.schema import JudgeConfig
    from lynx.evaluation.judges.base import Judge
    from lynx.evaluation.judges.openai_compatible import OpenAICompatibleJudge
    from lynx.evaluation.results import ResultFiles

Run = Annotated[Path, typer.Argument(help="The folder of an evaluated run.")]
Benchmark = Annotated[str, typer.Argument(help="A benchmark that it has answered.")]
Name = Annotated[
    str | None, typer.Option("--judge", help="rule:v1 or a model's name; else the run's judge.")
]
BaseUrl = Annotated[
    str | None, typer.Option(help="Address of an OpenAI-compatible server, as http://host:8000/v1.")
]
KeyVariable = Annotated[
    str | None, typer.Option(help="Environment variable that holds the server's key.")
]
Repeats = Annotated[int | None, typer.Option(min=1, help="How often each answer is judged.")]
Temperature = Annotated[float | None, typer.Option(min=0.0)]
ReplyTokens = Annotated[int | None, typer.Option(min=1, help="Longest reply, in tokens.")]
Budget = Annotated[float | None, typer.Option(min=0.0, help="USD that this command may spend.")]
InputPrice = Annotated[float | None, typer.Option(min=0.0, help="USD per million tokens.")]
OutputPrice = Annotated[float | None, typer.Option(min=0.0, help="USD per million tokens.")]
Offline = Annotated[
    bool, typer.Option("--offline", help="Only what is on disk; nothing is asked for.")
]
Judgements = Annotated[
    Path | None, typer.Option(help="Folder of replies; by default runs/<scale>/judgements.")
]


@dataclass(frozen=True)
class JudgeOptions:
    """What the command line says about the judge; None leaves it to the run's configuration."""

    name: str | None = None
    base_url: str | None = None
    api_key_variable: str | None = None
    repeats: int | None = None
    temperature: float | None = None
    max_reply_tokens: int | None = None
    budget: float | None = None
    input_price: float | None = None
    output_price: float | None = None
    concurrency: int | None = None
    timeout: float | None = None

    def over(self, config: JudgeConfig) -> JudgeConfig:
        """The configuration with what is given."""
        return replace(config, **{k: v for k, v in vars(self).items() if v is not None})


def judge_for(
    run: Path,
    wanted: JudgeOptions,
    *,
    offline: bool,
    judgements: Path | None,
    built: dict[tuple[JudgeConfig, Path], Judge],
) -> Judge:
    """The judge for a run; one for all runs that ask for the same, so that a budget holds once."""
    from lynx.config.compose import load_config
    from lynx.config.schema import JudgeConfig
    from lynx.evaluation.judges.build import build_judge
    from lynx.evaluation.judges.reply_store import judgements_dir
    from lynx.tracking.run_dir import RunDir

    path = RunDir(checked_run(run)).config_path  # a model that isn't ours has none
    config = load_config(path, ()).evaluation.judge if path.is_file() else JudgeConfig()
    config = wanted.over(config)
    key = (config, judgements or judgements_dir(run))
    if key not in built:
        built[key] = build_judge(config, cache_dir=key[1], offline=offline)
    return built[key]


def served_judge(judge: Judge) -> OpenAICompatibleJudge:
    """The judge, if it is a model behind a server; else LynxError."""
    from lynx.evaluation.judges.openai_compatible import OpenAICompatibleJudge

    if not isinstance(judge, OpenAICompatibleJudge):
        raise LynxError(f"the judge '{judge.name}' asks no server; name a model with --judge")
    return judge


def checked_run(run: Path) -> Path:
    """The folder, if it is of a run or of an evaluated model that isn't ours; else LynxError."""
    from lynx.tracking.run_dir import RunDir

    if not (RunDir(run).config_path.is_file() or (run / "eval").is_dir()):
        raise LynxError(f"{run} is no run's folder; one looks like runs/<scale>/<variant>/seed<k>")
    return run


def evaluated_files(run: Path, benchmark: str) -> ResultFiles:
    """The files of a benchmark that the run has answered; else LynxError."""
    from lynx.evaluation.results import ResultFiles

    (name,) = benchmarks_of_run(run, [benchmark])
    return ResultFiles(run / "eval" / name)


def benchmarks_of_run(run: Path, wanted: Sequence[str]) -> list[str]:
    """The benchmarks asked for, or all that have ground truths to judge by."""
    from lynx.config.nearest import nearest_hint
    from lynx.evaluation.judges.rejudging import evaluated_benchmarks

    checked_run(run)
    known = evaluated_benchmarks(run)
    for name in wanted:
        if name not in known and not (run / "eval" / name / "predictions.jsonl").is_file():
            raise LynxError(
                f"{run} has no answers on '{name}'{nearest_hint(name, known)}; it has "
                f"{', '.join(known) or 'none: run lynx evaluate first'}"
            )
    if not (wanted or known):
        raise LynxError(f"{run} has no answers: run 'lynx evaluate' on it first")
    return list(wanted) or known
