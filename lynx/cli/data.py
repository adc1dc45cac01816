"""Commands about shards: make, index, compare, filter and audit them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lynx.config.errors import LynxError

if TYPE_CHECKING:
    from rich.progress import Progress

data_app = typer.Typer(no_args_is_help=True, help="Shards of training data.")

Folder = Annotated[Path, typer.Argument(help="A folder of shards.")]


@data_app.command("build")
def data_build(
    source: Annotated[str, typer.Argument(help="A source of data_recipes/sources/.")],
    root: Annotated[Path, typer.Option("--from", help="Folder with the downloaded copy.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the shards; by default $LYNX_DATA/SOURCE.")
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option(help="KEY=VALUE of the format, instead of the source's.")
    ] = None,
    samples_per_shard: Annotated[int, typer.Option(min=1)] = 1000,
) -> None:
    """Turn a downloaded dataset into shards."""
    from lynx.config.source_facts import load_source
    from lynx.data.building import build_source

    facts = load_source(source)
    directory = out or _data_root() / source
    with _progress(f"building {source}") as bar:
        task = bar.add_task("", total=facts.rows)
        made = build_source(
            facts,
            root,
            directory,
            options=_options(option or []),
            samples_per_shard=samples_per_shard,
            told=lambda count: bar.update(task, completed=count),
        )
    shards = made.manifest.shards
    typer.echo(
        f"{directory}: {made.manifest.num_rows} rows in {sum(one.num_samples for one in shards)} "
        f"samples, shards: {len(shards)}, {sum(one.bytes for one in shards) / 1e6:.1f} MB"
    )
    _say_left_out("skipped", made.skipped, made.examples)
    typer.echo("JPEGs and PNGs are copied as they are: training replaces those that are damaged")
    if facts.rows and made.manifest.num_rows != facts.rows:
        typer.echo(f"the paper counts {facts.rows}")


@data_app.command("import")
def data_import(
    directory: Annotated[Path, typer.Argument(help="Folder of tar files, such as img2dataset's.")],
    source: Annotated[str, typer.Option(help="A source of data_recipes/sources/.")],
    text: Annotated[str, typer.Option(help="Ending of the text's member, or json:FIELD.")] = "txt",
    out: Annotated[
        Path | None, typer.Option(help="Folder for the index, where the tars' can't be written.")
    ] = None,
) -> None:
    """Index tar files that others have made, where they are."""
    from lynx.config.source_facts import load_source
    from lynx.data.shards.importing import import_shards

    facts = load_source(source)
    with _progress(f"indexing {source}") as bar:
        task = bar.add_task("", total=None)
        found = import_shards(
            directory,
            source=source,
            licence=facts.licence,
            text=text,
            out=out,
            told=lambda done, total: bar.update(task, completed=done, total=total),
        )
    typer.echo(f"{out or directory}: {found.manifest.num_rows} rows indexed")
    _say_left_out("left out", found.left_out)


@data_app.command("verify")
def data_verify(directory: Folder) -> None:
    """Compare every byte of the shards with their manifest and indices."""
    from lynx.data.shards.verify import verify_shards

    with _progress("verifying") as bar:
        task = bar.add_task("", total=None)
        problems = verify_shards(
            directory, told=lambda done, total: bar.update(task, completed=done, total=total)
        )
    if not problems:
        typer.echo(f"{directory}: every byte of the shards and indices is as it was written")
        return
    lines = "\n  ".join(str(problem) for problem in problems)
    raise LynxError(f"{directory}: {len(problems)} problems\n  {lines}")


@data_app.command("audit")
def data_audit(
    run: Annotated[Path, typer.Argument(help="A run's folder.")],
    token_samples: Annotated[
        int, typer.Option(help="Samples of each stage that are read again to count tokens.")
    ] = 2000,
) -> None:
    """Recompute a run's mix from recipe, seed and position, and compare it with its log."""
    from lynx.tracking.run_dir import RunDir
    from lynx.training.mix_audit import audit_run, audit_text

    audits = audit_run(RunDir(run), token_samples=token_samples)
    typer.echo(audit_text(audits))
    if any(one.differences for one in audits):
        raise LynxError(f"{run}: the log is not what the recipe makes")


@data_app.command("sources")
def data_sources() -> None:
    """Print every source with its format, origin, licence and size, in Markdown."""
    from lynx.data.source_table import source_table

    typer.echo(source_table())


def _data_root() -> Path:
    from lynx.config.paths import from_root

    root = os.environ.get("LYNX_DATA", "data/shards")
    if "://" in root:
        raise LynxError(
            f"LYNX_DATA is {root}; shards are built on a disk: name a folder with --out"
        )
    return from_root(root)


def _options(assignments: list[str]) -> dict[str, Any]:
    """KEY=VALUE texts as a mapping, values read as YAML."""
    import yaml

    found: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals:
            raise LynxError(f"--option {assignment}: must be KEY=VALUE")
        try:
            found[key] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise LynxError(
                f"--option {assignment}: {value!r} is no YAML value; quote it"
            ) from error
    return found


def _say_left_out(
    verb: str, reasons: Mapping[str, int], examples: Mapping[str, str] | None = None
) -> None:
    for reason, count in sorted(reasons.items(), key=lambda pair: -pair[1]):
        example = (examples or {}).get(reason)
        typer.echo(f"{verb}: {count} {reason}" + (f", such as {example}" if example else ""))


@contextmanager
def _progress(title: str) -> Iterator[Progress]:
    """A bar on a terminal, nothing elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        yield bar
