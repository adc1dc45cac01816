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
from lynx.model.pretrained import missing_shards, resolve_checkpoint


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
        missing = missing_shards(folder)
    except LynxError as error:
        return Finding(name, str(error), is_problem=True)
    if missing:
        text = f"{key}: {folder} lacks {len(missing)} files of its index, such as {missing[0]}"
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
        text = f"{len(sources)} sources are needed; {_shortened(str(error))}"
        return Finding("data", text, is_problem=True)
    local = {name: Path(place) for name, place in shards.items() if "://" not in str(place)}
    empty = [name for name, folder in local.items() if not (folder / MANIFEST).is_file()]
    if empty:
        text = (
            f"of {len(sources)} sources, {len(empty)} have no shards in their folder: "
            f"{', '.join(empty)}; `lynx data build` or `lynx data import` makes {MANIFEST}"
        )
        return Finding("data", text, is_problem=True)
    return Finding("data", f"{len(sources)} sources; behind URLs: {len(sources) - len(local)}")


def _shortened(problems: str) -> str:
    """A heading and a line for each source, as one line with all names and the first reason."""
    heading, *lines = problems.splitlines()
    if not lines:
        return heading
    names = [line.split(":")[0].strip().removeprefix("sources.") for line in lines]
    first = lines[0].strip()
    return f"{heading} {len(lines)} can't be used: {', '.join(names)}. The first: {first}"


def _questions(config: Config) -> Finding:
    """They are asked after days of training, so that a missing file is told of before."""
    places = {
        f"evaluation.benchmarks.{name}.questions": benchmark.questions
        for name, benchmark in config.evaluation.benchmarks.items()
        if not benchmark.questions.startswith(f"{WORLD}:")
    }
    missing = [f"{key}: {path}" for key, path in places.items() if not from_root(path).is_file()]
    if missing:
        text = f"no such file: {'; '.join(missing)}"
        return Finding("questions", text, is_problem=True)
    return Finding("questions", f"{len(config.evaluation.benchmarks)} benchmarks")
