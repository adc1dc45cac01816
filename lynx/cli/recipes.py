"""Commands about recipes: `lynx recipe list | show`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lynx.cli.runs import Overrides

if TYPE_CHECKING:
    from lynx.config.recipe_files import Recipe
    from lynx.config.schema import DataConfig

recipe_app = typer.Typer(no_args_is_help=True, help="Recipes of training data.")


@recipe_app.command("list")
def recipe_list() -> None:
    """Name every recipe, with its description."""
    from lynx.config.files import names_in
    from lynx.config.recipe_files import RECIPES, load_recipe

    names = names_in(RECIPES)
    width = max(map(len, names), default=0)
    for name in names:
        typer.echo(f"{name:<{width}}  {load_recipe(name).description}")


@recipe_app.command("show")
def recipe_show(
    name: Annotated[str, typer.Argument(help="NAME, or NAME:parameter=value,...")],
    overrides: Overrides = None,
    scale: Annotated[
        str | None,
        typer.Option(help="Whose steps; by default paper for the paper's recipes, else desk."),
    ] = None,
    catalog: Annotated[
        str | None,
        typer.Option(help="Name or .yaml file of the catalog with the shards; else the scale's."),
    ] = None,
    stage: Annotated[
        str | None, typer.Option(help="By default the one whose recipe it is, else the first.")
    ] = None,
) -> None:
    """Print a recipe: shares, samples and epochs of each source in the stage it is for."""
    from dataclasses import replace

    from lynx.config.compose import compose
    from lynx.config.errors import LynxError
    from lynx.config.nearest import nearest_hint
    from lynx.config.recipe_files import load_recipe
    from lynx.config.schema import STAGE_NAMES
    from lynx.config.source_facts import load_sources
    from lynx.data.recipe import describe_recipe

    _check_catalog_is_an_option(overrides or ())
    recipe = load_recipe(name)
    scale = scale or ("paper" if recipe.paper else "desk")
    config = compose(scale=scale, overrides=overrides or ())
    stages = {one: getattr(config.stages, one) for one in STAGE_NAMES}
    if stage is None:
        bare = name.partition(":")[0]
        stage = next((one for one, has in stages.items() if has.recipe == bare), STAGE_NAMES[0])
    if stage not in stages:
        raise LynxError(f"no stage named `{stage}`{nearest_hint(stage, STAGE_NAMES)}")
    settings, data = stages[stage], replace(config.data, catalog=catalog or config.data.catalog)
    num_samples = settings.steps * settings.global_batch_size
    sizes, whence = _sizes(recipe, data)
    typer.echo(describe_recipe(recipe, num_samples=num_samples, sizes=sizes, facts=load_sources()))
    typer.echo(
        f"samples: of stage {stage} at scale {scale}, {settings.steps} steps of "
        f"{settings.global_batch_size}; sizes: {whence}"
    )


def _check_catalog_is_an_option(overrides: Sequence[str]) -> None:
    """Of a run's configuration a catalog must have the sources of all three stages' recipes."""
    from lynx.config.errors import LynxError

    for override in overrides:
        key, _, value = override.partition("=")
        if key == "data.catalog":
            raise LynxError(f"{override}: here it is the option `--catalog {value}`")


def _sizes(recipe: Recipe, data: DataConfig) -> tuple[dict[str, int], str]:
    """Rows of the sources, as far as they are known, without excluded ones; and whose they are."""
    from lynx.config.catalog_files import WORLD
    from lynx.config.source_facts import load_sources
    from lynx.world.datasets import DATASETS

    if data.catalog == WORLD:
        sizes = {one: DATASETS[one].num_samples for one in recipe.sources if one in DATASETS}
        whence = "of the desk world"
    else:
        facts = load_sources()
        stated = {one: facts[one].rows for one in recipe.sources}
        built = _rows_of_shards(recipe, data)
        sizes = {one: rows for one, rows in stated.items() if rows is not None} | built
        whence = (
            f"of {len(built)} sources from the shards of catalog {data.catalog}, of "
            f"{len(recipe.sources) - len(built)} as data_recipes/sources/ states them"
        )
    return sizes | _rows_without_excluded(recipe), whence


def _rows_of_shards(recipe: Recipe, data: DataConfig) -> dict[str, int]:
    """Of each source that the catalog has in a folder that is there; URLs are not asked."""
    from lynx.config.errors import LynxError
    from lynx.data.catalog import load_catalog
    from lynx.data.shards.reading import ShardedSource

    load_catalog(data, [])  # a catalog that can't be read is an error, what it lacks is not
    rows = {}
    for name in recipe.sources:
        try:
            folder = load_catalog(data, [name])[name]
        except LynxError:
            continue
        if isinstance(folder, Path):
            source = ShardedSource(folder)
            if source.name != name:
                raise LynxError(
                    f"catalog `{data.catalog}`: sources.{name}: {folder} holds the shards of "
                    f"`{source.name}`; name its folder, or build it under this name"
                )
            rows[name] = len(source)
    return rows


def _rows_without_excluded(recipe: Recipe) -> dict[str, int]:
    from lynx.config.errors import LynxError
    from lynx.config.paths import from_root
    from lynx.data.exclusions import read_exclusions

    rows = {}
    for name, source in recipe.sources.items():
        if source.exclude is None:
            continue
        lists = read_exclusions(from_root(source.exclude))
        if name not in lists:
            raise LynxError(
                f"{source.exclude}: has no rows of the source `{name}`, whose `exclude` names it; "
                f"it has {', '.join(lists)}"
            )
        rows[name] = lists[name].num_rows - len(lists[name].rows)
    return rows
