"""`lynx judge export | import`: a judge's questions as files for the Batch API, and its replies."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from lynx.cli.judge_options import (
    Benchmark,
    Judgements,
    JudgeOptions,
    KeyVariable,
    Name,
    Repeats,
    ReplyTokens,
    Run,
    Temperature,
    checked_run,
    evaluated_files,
    judge_for,
    served_judge,
)
from lynx.config.errors import LynxError


def judge_export(
    run: Run,
    benchmark: Benchmark,
    out: Annotated[Path, typer.Option(help="File to write, for the Batch API.")],
    judge: Name = None,
    repeats: Repeats = None,
    temperature: Temperature = None,
    max_reply_tokens: ReplyTokens = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also what an earlier file asked, without result yet.")
    ] = False,
    judgements: Judgements = None,
) -> None:
    """Write what a served judge has yet to be asked about a run as a file for the Batch API."""
    from lynx.evaluation.judges.batch import export_batch
    from lynx.evaluation.judges.rejudging import claims_of

    wanted = JudgeOptions(
        judge, repeats=repeats, temperature=temperature, max_reply_tokens=max_reply_tokens
    )
    one = served_judge(judge_for(run, wanted, offline=True, judgements=judgements, built={}))
    _, claims = claims_of(evaluated_files(run, benchmark))
    result = export_batch(one.served, one.requests(claims), out, again=again)
    skipped = f"{result.already_replied} have a reply, {result.already_exported} wait for one"
    if not result.written:
        typer.echo(f"nothing to ask '{one.name}': {skipped} (--again exports these once more)")
        return
    typer.echo(f"{out}: {result.written} requests to '{one.name}'; {skipped}")
    typer.echo(f"next: have it answered, then `lynx judge import RESULTS.jsonl --run {run}`")


def judge_import(
    files: Annotated[list[Path], typer.Argument(help="Results of batches, and their error files.")],
    run: Annotated[
        Path | None, typer.Option(help="Any run of the scale that was exported from.")
    ] = None,
    key_variable: KeyVariable = None,
    judgements: Judgements = None,
) -> None:
    """Keep the replies of a batch, as if they had been asked for one by one."""
    from lynx.evaluation.judges.batch import import_batch
    from lynx.evaluation.judges.reply_store import ReplyStore, judgements_dir
    from lynx.evaluation.judges.secret import Secret

    if (run is None) == (judgements is None):
        raise LynxError("say where the replies belong: --run RUN, or --judgements FOLDER")
    store = ReplyStore(judgements or judgements_dir(checked_run(run or Path())))
    key = os.environ.get(key_variable or "OPENAI_API_KEY", "")
    num_problems = 0
    for path in files:
        result = import_batch(path, store, key=Secret(key))
        for problem in result.problems:
            typer.echo(problem, err=True)
        models = ", ".join(f"{name} ({count})" for name, count in sorted(result.models.items()))
        typer.echo(
            f"{path}: {result.num_lines} lines; {result.kept} replies kept"
            f"{f', from {models}' if models else ''}; {result.known} were there already; "
            f"{len(result.problems)} could not be used"
        )
        num_problems += len(result.problems)
    if num_problems:
        raise LynxError(
            f"{num_problems} lines brought no reply, as told above; what failed at the server can "
            "be exported or asked again"
        )
