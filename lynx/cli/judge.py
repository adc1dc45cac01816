"""Commands about judges: `lynx judge run | agreement | export | import`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lynx.cli.judge_batch import judge_export, judge_import
from lynx.cli.judge_options import (
    BaseUrl,
    Budget,
    InputPrice,
    Judgements,
    JudgeOptions,
    KeyVariable,
    Name,
    Offline,
    OutputPrice,
    Repeats,
    ReplyTokens,
    Temperature,
    benchmarks_of_run,
    evaluated_files,
    judge_for,
    served_judge,
)
from lynx.config.errors import LynxError

if TYPE_CHECKING:
    from lynx.config.schema import JudgeConfig
    from lynx.evaluation.judges.base import Judge
    from lynx.evaluation.results import Prediction

judge_app = typer.Typer(
    no_args_is_help=True, help="Judge answers again, elsewhere, and compare who judges."
)
judge_app.command("export")(judge_export)
judge_app.command("import")(judge_import)


@judge_app.command("run")
def judge_run(
    runs: Annotated[list[Path], typer.Argument(help="Folders of evaluated runs.")],
    judge: Name = None,
    benchmark: Annotated[
        list[str] | None, typer.Option(help="May be given several times; else all.")
    ] = None,
    base_url: BaseUrl = None,
    key_variable: KeyVariable = None,
    repeats: Repeats = None,
    temperature: Temperature = None,
    max_reply_tokens: ReplyTokens = None,
    budget: Budget = None,
    input_price: InputPrice = None,
    output_price: OutputPrice = None,
    concurrency: Annotated[int | None, typer.Option(min=1, help="Requests at a time.")] = None,
    timeout: Annotated[float | None, typer.Option(min=0.1, help="Seconds per reply.")] = None,
    offline: Offline = False,
    ask_empty_again: Annotated[
        bool, typer.Option("--ask-empty-again", help="Ask anew where the kept reply is empty.")
    ] = False,
    judgements: Judgements = None,
) -> None:
    """Judge the answers of runs again, without their models; their tables stay as they are.

    The verdicts go to eval/<benchmark>/judged/<judge>.jsonl. To put another judge's verdicts into
    the tables: lynx evaluate RUN evaluation.judge.name=NAME --resume.
    """
    from lynx.evaluation.judges.rejudging import claims_of

    wanted = JudgeOptions(
        judge, base_url, key_variable, repeats, temperature, max_reply_tokens, budget, input_price,
        output_price, concurrency, timeout,
    )  # fmt: skip
    if offline and ask_empty_again:
        raise LynxError("--ask-empty-again: offline nothing can be asked")
    chosen = [(run, name) for run in runs for name in benchmarks_of_run(run, benchmark or [])]
    built: dict[tuple[JudgeConfig, Path], Judge] = {}
    for run, name in chosen:
        one = judge_for(run, wanted, offline=offline, judgements=judgements, built=built)
        typer.echo(f"{run} {name}: {one.name}")
        if ask_empty_again:
            claims = claims_of(evaluated_files(run, name))[1]
            typer.echo(f"empty replies asked again: {served_judge(one).forget_empty(claims)}")
        typer.echo(_judged_text(run, name, one) + "\n")
    for one in built.values():
        _say_usage(one)


@judge_app.command("agreement")
def judge_agreement(
    first: Annotated[Path, typer.Argument(help="A's file of verdicts, or a run's folder.")],
    second: Annotated[str, typer.Argument(help="B's file, or with a run the benchmark.")],
    judge: Annotated[
        list[str] | None, typer.Option(help="With a run: A, then B, unless --labels is B.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="With a run: a person's verdicts, CSV or JSON lines.")
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(help="predictions.jsonl of two files that lie outside a run's folder."),
    ] = None,
    base_url: BaseUrl = None,
    key_variable: KeyVariable = None,
    budget: Budget = None,
    input_price: InputPrice = None,
    output_price: OutputPrice = None,
    offline: Offline = False,
    judgements: Judgements = None,
) -> None:
    """Compare judge A with judge B or a person, who is taken for the truth, on the same answers.

    A file of verdicts is a run's verdicts.jsonl, or a CSV or JSON lines with id and correct.
    """
    from lynx.cli.judge_text import agreement_text
    from lynx.evaluation.judges.agreement import report
    from lynx.evaluation.judges.comparing import Side, compared, of_files, side_of_file
    from lynx.evaluation.judges.rejudging import judge_files

    names = list(judge or [])
    built: dict[tuple[JudgeConfig, Path], Judge] = {}
    if not names and labels is None:
        a, b, rows = of_files(first, Path(second), predictions)
    else:
        if len(names) != (2 if labels is None else 1) or predictions is not None:
            raise LynxError(
                "lynx judge agreement RUN BENCHMARK takes --judge A --judge B, or --judge A "
                "--labels FILE"
            )
        files = evaluated_files(first, second)
        sides = []
        for name in names:
            wanted = JudgeOptions(
                name, base_url, key_variable, budget=budget, input_price=input_price,
                output_price=output_price,
            )  # fmt: skip
            one = judge_for(first, wanted, offline=offline, judgements=judgements, built=built)
            with _bar(f"{second}: {name}") as told:
                verdicts = judge_files(files, one, progress=told)
            rows = files.predictions()
            found = {p.id: v.correct for p, v in zip(rows, verdicts, strict=True)}
            sides.append(Side(name, found))
        sides += [] if labels is None else [side_of_file(labels)]
        a, b = sides
    pairs, counts = compared(a, b, rows)
    typer.echo(
        agreement_text(report(pairs, all_of_a=a.verdicts.values()), (a.name, b.name), counts)
    )
    for one in built.values():
        _say_usage(one)


def _judged_text(run: Path, benchmark: str, judge: Judge) -> str:
    from lynx.cli.judge_text import repeats_text, shares_text
    from lynx.evaluation.judges.rejudging import judge_files, judged_path, shares
    from lynx.evaluation.judges.repeats import self_agreement

    files = evaluated_files(run, benchmark)
    with _bar(f"{benchmark}: {judge.name}") as told:
        verdicts = judge_files(files, judge, progress=told)
    predictions: Sequence[Prediction] = files.predictions()
    parts = [
        shares_text(shares(predictions, verdicts)),
        repeats_text(self_agreement(verdicts)),
        f"verdicts: {judged_path(files, judge.name)}",
    ]
    return "\n".join(part for part in parts if part)


def _say_usage(judge: Judge) -> None:
    from lynx.cli.judge_text import usage_text
    from lynx.evaluation.judges.openai_compatible import OpenAICompatibleJudge

    if isinstance(judge, OpenAICompatibleJudge):
        typer.echo(f"{judge.name}\n{usage_text(judge.usage)}")


@contextmanager
def _bar(title: str) -> Iterator[Callable[[], None]]:
    """A count of replies on a terminal; nothing elsewhere."""
    from rich.console import Console
    from rich.progress import Progress, TextColumn

    columns = (TextColumn("{task.description}: {task.completed} replies"),)
    console = Console(stderr=True, highlight=False)
    with Progress(
        *columns, console=console, disable=not sys.stderr.isatty(), transient=True
    ) as bar:
        task = bar.add_task(title, total=None)
        yield lambda: bar.advance(task)
