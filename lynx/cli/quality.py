"""Commands that look for what should not be trained on: noisy texts, a benchmark's pictures."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lynx.cli.data import Folder, data_app
from lynx.config.errors import LynxError

if TYPE_CHECKING:
    from lynx.config.schema import Config
    from lynx.data.overlap.benchmark import BenchmarkPicture


@data_app.command("noise")
def data_noise(
    directory: Folder,
    rows: Annotated[int, typer.Option(min=0, help="Evenly spaced rows; 0 for all.")] = 0,
    score: Annotated[str, typer.Option(help="Field of a sample's JSON with a CLIP score.")] = "",
    threshold: Annotated[list[str] | None, typer.Option(help="RULE=NUMBER.")] = None,
    rule: Annotated[
        list[str] | None, typer.Option(help="Exclude by it; may be given several times.")
    ] = None,
    exclude: Annotated[
        Path | None,
        typer.Option(help="Write the rows that each --rule finds here, for a recipe's `exclude`."),
    ] = None,
    json_path: Annotated[Path | None, typer.Option("--json", help="Write the report here.")] = None,
) -> None:
    """Count the noisy texts of a source by rule, and list them for exclusion."""
    from lynx.data.exclusions import write_exclusions
    from lynx.data.noise import RULES, known_rule, rules_with
    from lynx.data.noise_report import noise_exclusions, noise_report, score_column
    from lynx.data.noise_table import noise_table
    from lynx.data.shards.reading import ShardedSource
    from lynx.tracking.files import write_json_atomic

    source = ShardedSource(directory)
    for name in rule or []:
        known_rule(name)
    if rows and exclude:
        raise LynxError("--rows: exclusions need all rows looked at; leave it out")
    if rule and not exclude:
        raise LynxError("--rule: says what to exclude by; name a file with --exclude")
    if exclude and not rule:
        raise LynxError(
            f"--exclude: say by which rules, after a look at what they find: --rule NAME, once or "
            f"more, of {', '.join(RULES)}"
        )
    _check_replaceable(exclude)
    report = noise_report(
        source,
        limit=rows,
        rules=rules_with(_numbers(threshold or [])),
        scores=score_column(source, score),
        progress=sys.stderr.isatty(),
    )
    typer.echo(noise_table(report))
    if json_path:
        write_json_atomic(json_path, report.as_json())
    if exclude:
        chosen = list(dict.fromkeys(rule or ()))
        count = write_exclusions(exclude, [noise_exclusions(source, report, chosen)])
        typer.echo(f"{exclude}: leaves out {count} of {len(source)} rows")


def _check_replaceable(path: Path | None) -> None:
    """A list may be made again; any other file at `path` must not be lost."""
    from lynx.data.exclusions import read_exclusions

    if path is None or not path.exists():
        return
    try:
        read_exclusions(path)
    except LynxError as error:
        raise LynxError(
            f"--exclude {path}: a file is there that is no list of exclusions, and is not "
            f"overwritten; name another file, or delete it ({error})"
        ) from error


def _numbers(assignments: list[str]) -> dict[str, float]:
    numbers = {}
    for assignment in assignments:
        name, _, value = assignment.partition("=")
        try:
            numbers[name] = float(value)
        except ValueError as error:
            raise LynxError(f"--threshold {assignment}: is not RULE=NUMBER") from error
    return numbers


@data_app.command("check-overlap")
def data_check_overlap(
    recipe: Annotated[str, typer.Argument(help="A recipe; all its sources are looked through.")],
    benchmark: Annotated[
        list[str],
        typer.Option(
            help="A benchmark of the scale, the start of its name, or a .jsonl file: a JSON object "
            "per line with `image` or `video` (a path from the file's folder) and, optionally, "
            "`origin_dataset` (the collection, for comparing ids as well as looks)."
        ),
    ],
    scale: Annotated[str, typer.Option(help="Whose catalog and benchmarks.")] = "desk",
    catalog: Annotated[
        str | None,
        typer.Option(help="Name or .yaml file of the catalog with the shards; else the scale's."),
    ] = None,
    max_distance: Annotated[
        int,
        typer.Option(min=0, max=16, help="Bits of 64 in which hashes of copies may differ."),
    ] = 4,
    alias: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=FILE: visual_genome=image_data.json, ocrvqa=dataset.json, msvd=mapping.txt"
        ),
    ] = None,
    exclude: Annotated[
        Path | None, typer.Option(help="Write the rows here, for a recipe's `exclude`.")
    ] = None,
    processes: Annotated[int, typer.Option(min=1, help="That hash pictures.")] = 1,
) -> None:
    """Find the training rows whose picture is a benchmark's."""
    from dataclasses import replace

    from lynx.config.catalog_files import WORLD
    from lynx.config.compose import compose
    from lynx.config.paths import from_root
    from lynx.config.recipe_files import load_recipe
    from lynx.data.build import open_source
    from lynx.data.catalog import load_catalog
    from lynx.data.exclusions import write_exclusions
    from lynx.data.overlap.check import check_overlap
    from lynx.data.overlap.ids import read_aliases
    from lynx.data.overlap.report import overlap_exclusions, overlap_table
    from lynx.world.build import build_catalog

    _check_replaceable(exclude)
    config, aliases = compose(scale=scale), read_aliases(_files(alias or ()))
    data = replace(config.data, catalog=catalog or config.data.catalog)
    pictures = [one for name in benchmark for one in _benchmark_pictures(name, config)]
    names = list(load_recipe(recipe).sources)
    if data.catalog == WORLD:
        folders: Mapping[str, str | Path] = build_catalog(from_root(data.cache_dir), names)
    else:
        folders = load_catalog(data, names)
    report = check_overlap(
        {name: open_source(folders[name], data) for name in names},
        pictures,
        cache_dir=from_root(data.cache_dir) / "picture_hashes",
        max_distance=max_distance,
        aliases=aliases,
        num_processes=processes,
        progress=sys.stderr.isatty(),
    )
    typer.echo(overlap_table(report))
    if exclude:
        exclusions = overlap_exclusions(report, benchmark=", ".join(benchmark))
        typer.echo(f"{exclude}: leaves out {write_exclusions(exclude, exclusions)} rows")


def _files(assignments: Sequence[str]) -> dict[str, Path]:
    files = {}
    for assignment in assignments:
        name, _, file = assignment.partition("=")
        if not name or not file:
            raise LynxError(f"--alias {assignment}: is not NAME=FILE")
        files[name] = Path(file)
    return files


def _benchmark_pictures(name: str, config: Config) -> list[BenchmarkPicture]:
    """Of a questions file, or of the scale's benchmarks whose name begins with `name`."""
    from lynx.config.nearest import nearest_hint
    from lynx.config.paths import from_root
    from lynx.data.overlap.benchmark import BenchmarkPicture, read_benchmark
    from lynx.evaluation.questions import WORLD_PREFIX, load_questions

    if name.endswith(".jsonl"):
        return read_benchmark(Path(name))
    known = config.evaluation.benchmarks
    chosen = [one for key, one in known.items() if key.startswith(name)]
    if not chosen:
        raise LynxError(f"no benchmark `{name}` in this scale{nearest_hint(name, known)}")
    pictures: list[BenchmarkPicture] = []
    for one in chosen:
        if one.format == "open_vqa" and not one.questions.startswith(WORLD_PREFIX):
            pictures += read_benchmark(from_root(one.questions))
            continue
        spec = one.questions
        questions = load_questions(
            spec if spec.startswith(WORLD_PREFIX) else str(from_root(spec)),
            kind=one.kind,
            cache_dir=from_root(config.data.cache_dir),
            num_frames=config.model.num_frames,
            format_=one.format,
        )
        by_picture = {q.picture: q for q in questions}
        pictures += [
            BenchmarkPicture(f"{q.kind} {q.id}", None, q.images) for q in by_picture.values()
        ]
    return pictures
