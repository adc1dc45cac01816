"""Checks that backbones, shards and questions are where the configuration says they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lynx.config.catalog_files import WORLD
from lynx.config.errors import LynxError
from lynx.config.paths import from_root
from lynx.config.recipe_files import load_recipe
from lynx.config.schema import STAGE_NAMES, Config
from lynx.data.catalog import load_catalog
from lynx.data.shards.manifest import MANIFEST
from lynx.launch.finding import Finding
from lynx.model.pretrained import lacking, resolve_checkpoint

_TO_BUILD = "`lynx data build SOURCE --from FOLDER` makes them (data_recipes/README.md)"


def input_findings(config: Config) -> Iterator[Finding]:
    """What a run reads."""
    for part in ("vision_encoder", "language_model"):
        checkpoint = getattr(config.model, part).checkpoint
        yield _backbone(part.replace("_", " "), checkpoint, key=f"model.{part}.checkpoint")
    yield _data(config)
    yield _questions(config)


def _backbone(name: str, checkpoint: str, *, key: str) -> Finding:
    try:
        folder = resolve_checkpoint(checkpoint, key=key)
        missing = lacking(folder)
    except LynxError as error:
        return Finding(name, str(error), is_problem=True)
    if missing:
        text = f"{key}: {folder} lacks {len(missing)} files, such as {missing[0]}"
        return Finding(name, text, is_problem=True)
    return Finding(name, str(checkpoint))


def _data(config: Config) -> Finding:
    recipes = [load_recipe(getattr(config.stages, stage).recipe) for stage in STAGE_NAMES]
    sources = sorted({name for recipe in recipes for name in recipe.sources})
    if config.data.catalog == WORLD:
        return Finding("data", f"{len(sources)} sources of the miniature world, built on first use")
    try:
        shards = load_catalog(config.data, sources)
    except LynxError as error:
        return Finding("data", _shortened(str(error), len(sources)), is_problem=True)
    local = {name: Path(place) for name, place in shards.items() if "://" not in str(place)}
    empty = [name for name, folder in local.items() if not (folder / MANIFEST).is_file()]
    if empty:
        text = (
            f"{len(empty)} of {len(sources)} sources have no {MANIFEST} in their folder, such as "
            f"{empty[0]}"
        )
        return Finding("data", f"{text}; {_TO_BUILD}", is_problem=True)
    return Finding("data", f"{len(sources)} sources; behind URLs: {len(sources) - len(local)}")


def _shortened(problems: str, num_sources: int) -> str:
    """A catalog and a line for each source, as one line with the first reason."""
    heading, *lines = problems.splitlines()
    if not lines:
        return heading
    count = f"{len(lines)} of {num_sources} sources have no shards, such as"
    return f"{heading} {count} {lines[0].strip().removeprefix('sources.')}; {_TO_BUILD}"


def _questions(config: Config) -> Finding:
    """They are asked after days of training, so that what is missing is told of before."""
    known = config.evaluation.benchmarks
    asked = config.evaluation.ask_only or list(known)
    places = {
        name: known[name].questions
        for name in asked
        if not known[name].questions.startswith(f"{WORLD}:")
    }
    missing = {name: path for name, path in places.items() if not from_root(path).exists()}
    if missing:
        first = next(iter(missing))
        others = [name for name in asked if name not in missing]
        or_leave = (
            f", or leave them out: evaluation.ask_only=[{','.join(others)}]" if others else ""
        )
        text = (
            f"the questions of {', '.join(missing)} are not there, such as "
            f"evaluation.benchmarks.{first}.questions: {missing[first]}; `lynx benchmarks list` "
            f"says where they are had. Put them there, name others by that key{or_leave}"
        )
        return Finding("questions", text, is_problem=True)
    return Finding("questions", f"{len(asked)} benchmarks")
