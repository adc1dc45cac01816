"""Measures how long samples are, on some rows of each source of a recipe; nothing is downloaded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from lynx.config.catalog_files import WORLD
from lynx.config.errors import LynxError
from lynx.config.prompt_pools import load_pools
from lynx.config.recipe_files import Recipe, load_recipe
from lynx.config.schema import Config, DataConfig, StageConfig
from lynx.config.seeds import python_random
from lynx.data.catalog import load_catalog
from lynx.data.sample import Sample, UnreadableSampleError
from lynx.data.shards.reading import ShardedSource
from lynx.data.text import IGNORED, encode_sample
from lynx.model.language_model import load_tokenizer
from lynx.model.pretrained import is_at_hand
from lynx.world.build import draw_samples

_ROWS = 16  # of each source


@dataclass(frozen=True)
class Length:
    """Of one row: tokens with its vision tokens, supervised tokens, frames."""

    tokens: int
    targets: int
    frames: int


def shards_at_hand(recipe: Recipe, data: DataConfig) -> dict[str, str] | None:
    """Folder of each source's shards, or None where one is missing or behind a URL.

    The world's need not be built: its rows can be drawn, and its place is `WORLD`.
    """
    if data.catalog == WORLD:
        return dict.fromkeys(recipe.sources, WORLD)
    try:
        found = load_catalog(data, recipe.sources)
    except LynxError:
        return None
    if any("://" in str(place) for place in found.values()):
        return None
    return {name: str(place) for name, place in found.items()}


def row_lengths(config: Config, stage: str) -> dict[str, list[Length]] | None:
    """Lengths of some rows of each source; None where tokenizer or shards aren't here."""
    settings: StageConfig = getattr(config.stages, stage)
    recipe = load_recipe(settings.recipe)
    places = shards_at_hand(recipe, config.data)
    if places is None or not is_at_hand(config.model.language_model.checkpoint):
        return None
    return {
        name: _of_source(
            name,
            places[name],
            pool=source.prompts,
            is_diverse=settings.prompts == "diverse",
            checkpoint=config.model.language_model.checkpoint,
            data=config.data,
            num_queries=config.model.resampler.num_queries,
            num_frames=config.model.num_frames,
        )
        for name, source in recipe.sources.items()
    }


@lru_cache(maxsize=512)  # stages and variants share sources
def _of_source(
    name: str,
    place: str,
    *,
    pool: str,
    is_diverse: bool,
    checkpoint: str,
    data: DataConfig,
    num_queries: int,
    num_frames: int,
) -> list[Length]:
    tokenizer, phrasings = load_tokenizer(checkpoint), load_pools(data.phrasings)[pool]
    found = []
    for number, sample in enumerate(_samples(name, place)):
        encoded = encode_sample(
            sample,
            pool=phrasings,
            tokenizer=tokenizer,
            prompts="diverse" if is_diverse else "single",
            rng=python_random(0, "plan", name, number),
            max_text_tokens=data.max_text_tokens,
        )
        is_video = sample.kind == "video"
        frames = num_frames if is_video else len(sample.images)
        found.append(
            Length(
                tokens=len(encoded.input_ids) + (num_queries if frames else 0),
                targets=sum(label != IGNORED for label in encoded.labels),
                frames=frames,
            )
        )
    if not found:
        raise LynxError(f"source `{name}`: none of its first rows can be read, in {place}")
    return found


def _samples(name: str, place: str) -> Iterator[Sample]:
    if place == WORLD:
        yield from (sample.row(0) for sample in islice(draw_samples(name), _ROWS))
        return
    source = ShardedSource(place)
    count = min(_ROWS, len(source))
    for number in range(count):
        try:
            yield source.read(len(source) * number // count)
        except UnreadableSampleError:
            continue
