"""Commands about recipes."""

from __future__ import annotations

from typing import Annotated

import typer

recipe_app = typer.Typer(no_args_is_help=True, help="Recipes of training data.")


@recipe_app.command("show")
def recipe_show(
    name: Annotated[str, typer.Argument(help="NAME, or NAME:parameter=value,...")],
    scale: Annotated[str, typer.Option(help="Whose steps and sizes.")] = "paper",
    stage: Annotated[
        str | None, typer.Option(help="By default the one whose recipe it is, else the first.")
    ] = None,
) -> None:
    """Print a recipe: shares, samples and epochs of each source in the stage it is for."""
    from lynx.config.catalog_files import WORLD
    from lynx.config.compose import compose
    from lynx.config.errors import LynxError
    from lynx.config.nearest import nearest_hint
    from lynx.config.schema import STAGE_NAMES
    from lynx.config.source_facts import load_sources
    from lynx.data.recipe import describe_recipe, load_recipe
    from lynx.world.datasets import DATASETS

    recipe, config, facts = load_recipe(name), compose(scale=scale), load_sources()
    stages = {one: getattr(config.stages, one) for one in STAGE_NAMES}
    if stage is None:
        bare = name.partition(":")[0]
        stage = next((one for one, has in stages.items() if has.recipe == bare), STAGE_NAMES[0])
    if stage not in stages:
        raise LynxError(f"no stage named `{stage}`{nearest_hint(stage, STAGE_NAMES)}")
    if config.data.catalog == WORLD:
        sizes = {one: DATASETS[one].num_samples for one in recipe.sources if one in DATASETS}
    else:
        sizes = {one.name: one.rows for one in facts.values() if one.rows is not None}
    settings = stages[stage]
    num_samples = settings.steps * settings.global_batch_size
    typer.echo(describe_recipe(recipe, num_samples=num_samples, sizes=sizes, facts=facts))
    typer.echo(
        f"samples: of stage {stage} at scale {scale}, {settings.steps} steps of "
        f"{settings.global_batch_size}"
    )
