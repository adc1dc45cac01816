"""`lynx rate`: a local page on which people rate models' answers, and what has come of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lynx.config.errors import LynxError

if TYPE_CHECKING:
    from lynx.evaluation.people.store import RatingStore


def rate(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[RUN]...", help="Folders of evaluated runs; none: go on rating."),
    ] = None,
    benchmark: Annotated[str, typer.Option(help="Whose questions.")] = "owleval",
    answers: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FILE", help="Another model's answers, in the published form."),
    ] = None,
    rater: Annotated[str | None, typer.Option(help="Who rates; else the page asks.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: a free one.")] = 8765,
    store: Annotated[
        Path | None, typer.Option(help="Else runs/<scale>/people/<benchmark>.sqlite.")
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(help="Write the ratings to a .csv or .jsonl file (no ending: both) and end."),
    ] = None,
    summary: Annotated[
        bool, typer.Option("--summary", help="Print what is known and end.")
    ] = False,
    max_equal: Annotated[int, typer.Option(help="Answers to a question with equal scores.")] = 2,
    max_ties: Annotated[int, typer.Option(help="A rater's ties over all questions.")] = 10,
    seed: Annotated[int, typer.Option(help="Of the order in which answers are shown.")] = 0,
    scale: Annotated[str, typer.Option(help="Whose store, where no run says.")] = "desk",
) -> None:
    """Rate answers of several models, blinded and shuffled, 1 to 5, on a local page.

    Every click is saved before the page says so; rating goes on where it stopped. The rules and
    the mean scores are the paper's for OwlEval (Table 4), win/all is that of Table 5.
    """
    from lynx.evaluation.people.gathering import parse_named_files, sheet_of
    from lynx.evaluation.people.store import RatingStore
    from lynx.evaluation.people.tie_rules import TieRules

    path = store or _store_path(runs or [], benchmark, scale)
    if runs or answers:
        sheet = sheet_of(benchmark, runs or [], parse_named_files(answers or []), scale=scale)
        opened = RatingStore.create(path, sheet, TieRules(max_equal, max_ties), seed=seed)
    else:
        opened = RatingStore(path)
    try:
        if export is not None:
            _export(opened, export)
        elif not summary:
            _serve(opened, rater, port)
        _say(opened, with_scores=summary or export is not None)
    finally:
        opened.close()


def _store_path(runs: list[Path], benchmark: str, scale: str) -> Path:
    """Beside the runs: runs/<scale>/people/<benchmark>.sqlite."""
    folders = {run.resolve().parent.parent for run in runs}
    if len(folders) > 1:
        raise LynxError(
            f"the runs lie in {len(folders)} folders ({', '.join(map(str, sorted(folders)))}): "
            "say with --store where the ratings go"
        )
    if not folders:
        from lynx.config.compose import compose
        from lynx.config.paths import from_root

        folders = {from_root(compose(scale=scale).tracking.output_dir) / scale}
    return folders.pop() / "people" / f"{benchmark}.sqlite"


def _serve(store: RatingStore, rater: str | None, port: int) -> None:
    """Show the page until Ctrl+C."""
    from urllib.parse import quote

    from lynx.serving.rating.desk import RatingDesk
    from lynx.serving.rating.server import RatingServer

    store.check_writable()
    sheet = store.sheet
    for model in sheet.models:
        if missing := sheet.unanswered(model):
            typer.echo(f"{model}: no answer to {len(missing)} questions, not rated there")
    with RatingServer(RatingDesk(store), port=port) as server:
        address = server.address + (f"/?rater={quote(store.add_rater(rater))}" if rater else "/")
        typer.echo(f"ratings: {store.path}")
        typer.echo(f"page: {address}  (Ctrl+C ends it)")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            typer.echo()


def _export(store: RatingStore, target: Path) -> None:
    from lynx.evaluation.people.export import export

    try:
        for written in export(store, target):
            typer.echo(f"written: {written}")
    except OSError as error:
        raise LynxError(f"--export {target} can't be written: {error.strerror}") from error


def _say(store: RatingStore, *, with_scores: bool) -> None:
    """Who rates has no business with the scores so far, or the names behind the answers."""
    from lynx.evaluation.people.summary import progress_text, summary_text

    if with_scores or store.is_finished:
        typer.echo(summary_text(store))
    else:
        typer.echo(progress_text(store))
        typer.echo("scores: --summary; who goes on rating shouldn't know them")
