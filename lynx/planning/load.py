"""What a stage's mean sample holds, and how micro batches are packed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lynx.config.recipe_files import Recipe, load_recipe
from lynx.config.schema import Config, DataConfig, StageConfig
from lynx.config.seeds import python_random
from lynx.config.source_facts import load_sources
from lynx.data.packing import packed_rows
from lynx.planning.facts_files import paper_stage
from lynx.planning.lengths import Length, row_lengths

_PACKED = 20  # micro batches that are packed to see how full rows become
_USEFUL = 0.97  # of packed positions, where nothing can be packed
_TARGETS = 0.5  # of the text tokens: the paper says nothing of how long prompts and answers are
_MULTIPLE = 8  # of the row length, see lynx/data/batch.py


@dataclass(frozen=True)
class Load:
    """Means over the samples of a stage.

    tokens: of the language model, vision tokens included. targets: supervised tokens. visual: share
    of samples with a picture or video. frames: pictures that the vision encoder sees. useful: share
    of packed positions that is no padding. row_length: positions of a packed row. document_length:
    of the sample that a token is in, on average. origin: whence the figures are, as a phrase.
    """

    tokens: float
    targets: float
    visual: float
    frames: float
    useful: float
    row_length: int
    document_length: float
    origin: str

    @property
    def positions(self) -> float:
        """Of the language model, padding included."""
        return self.tokens / self.useful


def stage_load(config: Config, stage: str, *, tokens_per_sample: float | None = None) -> Load:
    """The load of `config.stages.<stage>`.

    Measured where tokenizer and shards are on this machine; else from the tokens that the paper's
    totals give per sample. tokens_per_sample takes the place of both.
    """
    settings: StageConfig = getattr(config.stages, stage)
    recipe = load_recipe(settings.recipe)
    lengths = None if tokens_per_sample is not None else row_lengths(config, stage)
    if lengths is not None:
        return _measured(recipe, lengths, settings.micro_batch_size, config.data)
    tokens = paper_stage(stage).tokens_per_sample
    origin = "the paper's totals of tokens, as its data or tokenizer aren't here"
    if tokens_per_sample is not None:
        tokens, origin = tokens_per_sample, "as given"
    visual, videos = _visual_shares(recipe)
    text = max(tokens - visual * config.model.resampler.num_queries, 1.0)
    return Load(
        tokens=tokens,
        targets=_TARGETS * text,
        visual=visual,
        frames=visual + videos * (config.model.num_frames - 1),
        useful=_USEFUL,
        row_length=_row_length(tokens * settings.micro_batch_size / _USEFUL, config.data),
        document_length=tokens,
        origin=origin,
    )


def _measured(
    recipe: Recipe, lengths: Mapping[str, Sequence[Length]], batch_size: int, data: DataConfig
) -> Load:
    """Micro batches of rows drawn by weight are packed as the stage would pack them."""
    rng = python_random(0, "plan", recipe.name)
    weights = _weights(recipe)
    if recipe.unit == "tokens":
        means = {
            name: sum(row.tokens for row in rows) / len(rows) for name, rows in lengths.items()
        }
        weights = {name: weight / means[name] for name, weight in weights.items()}
    samples: list[Length] = []
    positions = num_rows = 0
    for _ in range(_PACKED):
        names = rng.choices(list(weights), list(weights.values()), k=batch_size)
        drawn = [rng.choice(lengths[name]) for name in names]
        packed = packed_rows(
            [one.tokens for one in drawn], pack_length=data.pack_length, packing=data.packing
        )
        width = max(sum(drawn[number].tokens for number in row) for row in packed)
        positions += -(-width // _MULTIPLE) * _MULTIPLE * len(packed)
        num_rows += len(packed)
        samples += drawn
    tokens = sum(one.tokens for one in samples)
    return Load(
        tokens=tokens / len(samples),
        targets=sum(one.targets for one in samples) / len(samples),
        visual=sum(one.frames > 0 for one in samples) / len(samples),
        frames=sum(one.frames for one in samples) / len(samples),
        useful=tokens / positions,
        row_length=round(positions / num_rows),
        document_length=sum(one.tokens**2 for one in samples) / tokens,
        origin="measured on rows of each source",
    )


def _row_length(positions: float, data: DataConfig) -> int:
    """Rows of a micro batch are equally long, and as few as hold it."""
    rows = max(1, -(-round(positions) // data.pack_length))
    return max(1, min(data.pack_length, round(positions / rows)))


def _weights(recipe: Recipe) -> dict[str, float]:
    """Share of samples; a source with passes counts by Table 12's number of its samples."""
    known = load_sources()
    return {
        name: float(one.weight if one.weight is not None else one.repeat or 0)
        * (1 if one.weight is not None else known[name].rows or 1)
        for name, one in recipe.sources.items()
    }


def _visual_shares(recipe: Recipe) -> tuple[float, float]:
    """Shares of samples with a picture or video, and with a video, by the tasks of Table 12."""
    known, weights = load_sources(), _weights(recipe)
    total = sum(weights.values())
    videos = sum(w for name, w in weights.items() if known[name].task.startswith("Video"))
    texts = sum(w for name, w in weights.items() if known[name].task.startswith("Text"))
    return 1 - texts / total, videos / total
