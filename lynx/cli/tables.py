"""`lynx table 5 | verify`: the paper's tables beside what was measured, and whether they hold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from lynx.cli.runs import Scale
from lynx.config.errors import LynxError

if TYPE_CHECKING:
    from lynx.reporting.requests import OtherModel

_DEFAULT = "show"


class _Group(TyperGroup):
    """Takes `lynx table 5` for `lynx table show 5`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        is_command = bool(args) and args[0] in (*self.commands, *ctx.help_option_names)
        return super().parse_args(ctx, args if is_command or not args else [_DEFAULT, *args])


table_app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    help="The paper's tables beside what was measured: `lynx table 5`, `lynx table verify`.",
)


@table_app.command(_DEFAULT)
def table(
    number: Annotated[int, typer.Argument(help="Number of the paper's table.")],
    scale: Scale = "desk",
    seed: Annotated[
        list[int] | None, typer.Option("--seed", help="May be given several times; all.")
    ] = None,
    form: Annotated[
        Literal["terminal", "markdown", "latex", "html"], typer.Option("--format")
    ] = "terminal",
    out: Annotated[Path | None, typer.Option(help="A file to write; else it is printed.")] = None,
) -> None:
    """Print a table of the paper beside what the runs have measured, and save it with its sources.

    It is saved as runs/<scale>/tables/table_<n>.json, which `lynx table verify` checks.
    """
    from lynx.reporting.renderers import rendered
    from lynx.reporting.requests import Request
    from lynx.reporting.saved import save
    from lynx.reporting.tables import maker
    from lynx.tracking.files import write_text_atomic

    make = maker(number)
    seeds = None if not seed else tuple(dict.fromkeys(seed))
    request = Request(number, scale, _runs_folder(scale), seeds, tuple(_other_models()))
    document = make(request)
    save(request, document)
    text = rendered(document, form)
    if out is None:
        typer.echo(text)
        return
    try:
        write_text_atomic(out, text + "\n")
    except OSError as error:
        raise LynxError(f"--out {out}: can't be written: {error.strerror}") from error
    typer.echo(f"written: {out}")


@table_app.command("verify")
def verify(
    numbers: Annotated[
        list[int] | None, typer.Argument(help="Numbers of tables; all that were saved.")
    ] = None,
    scale: Scale = "desk",
) -> None:
    """Judge, count and make saved tables again, offline; status 1 where anything has drifted."""
    from lynx.reporting.tables import maker
    from lynx.reporting.verifying import saved_numbers, verification_text
    from lynx.reporting.verifying import verify as verify_table

    folder = _runs_folder(scale)
    chosen = list(dict.fromkeys(numbers or saved_numbers(scale, folder)))
    if not chosen:
        raise LynxError(
            f"no tables were saved in {folder / scale / 'tables'}; `lynx table 5` prints and saves"
        )
    has_drifted = False
    for number in chosen:
        found = verify_table(number, scale=scale, output_dir=folder, rebuild=maker(number))
        typer.echo(verification_text(found))
        has_drifted = has_drifted or found.has_drifted
    if has_drifted:
        raise typer.Exit(1)


def _runs_folder(scale: str) -> Path:
    from lynx.config.compose import compose
    from lynx.config.paths import from_root

    return from_root(compose(scale=scale).tracking.output_dir)


def _other_models() -> list[OtherModel]:
    """The models that aren't ours and that this project knows, as tables need them."""
    from lynx.baselines.known import known_baselines
    from lynx.reporting.requests import OtherModel

    return [
        OtherModel(name, one.title, dict(one.paper_rows), one.paper_note)
        for name, one in known_baselines().items()
    ]
