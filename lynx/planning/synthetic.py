"""Makes micro batches of a stage's shape from random numbers: what they cost needs no data."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from lynx.config.schema import Config, StageConfig
from lynx.config.seeds import python_random, torch_seed
from lynx.data.batch import Batch, Document, collate
from lynx.data.text import IGNORED, Encoded
from lynx.planning.load import Load


def synthetic_batch(
    config: Config, stage: str, load: Load, *, vocabulary: int, number: int = 0
) -> Batch:
    """A micro batch whose sums of tokens, targets and frames are the load's means, rounded.

    vocabulary: of the language model; number: of the micro batch, each has other content. Lengths
    vary by a half around the mean, so that packing has something to do.
    """
    settings: StageConfig = getattr(config.stages, stage)
    size, queries = settings.micro_batch_size, config.model.resampler.num_queries
    num_visual = min(size, round(load.visual * size))
    frames = _dealt(round(load.frames * size), num_visual, most=config.model.num_frames)
    frames += [0] * (size - num_visual)
    mean = max(2.0, load.tokens - load.visual * queries)
    rng = python_random(config.seed, "synthetic", stage, number)
    texts = [max(2, round(mean * rng.uniform(0.5, 1.5))) for _ in range(size)]
    share = min(1.0, load.targets / mean)
    generator = torch.Generator().manual_seed(torch_seed(config.seed, "synthetic", stage, number))
    documents = [
        _document(
            count,
            min(length, config.data.pack_length - queries),
            share,
            image_size=settings.image_size,
            vocabulary=vocabulary,
            position=position,
            generator=generator,
        )
        for position, (count, length) in enumerate(zip(frames, texts, strict=True))
    ]
    return collate(
        documents,
        pack_length=config.data.pack_length,
        packing=config.data.packing,
        num_queries=queries,
        image_size=settings.image_size,
        pad_token_id=0,
    )


def _dealt(total: int, among: int, *, most: int) -> list[int]:
    """Frames of each visual sample: one, or `most` in as many as it takes."""
    counts = [1] * among
    for index in range(among):
        counts[index] += min(most - 1, max(0, total - sum(counts)))
    return counts


def _document(
    num_frames: int,
    length: int,
    target_share: float,
    *,
    image_size: int,
    vocabulary: int,
    position: int,
    generator: torch.Generator,
) -> Document:
    ids: Sequence[int] = torch.randint(vocabulary, (length,), generator=generator).tolist()
    first = length - max(1, round(target_share * length))
    frames = None
    if num_frames:
        frames = torch.randn(num_frames, 3, image_size, image_size, generator=generator)
    labels = [IGNORED] * first + list(ids[first:])
    return Document(frames, Encoded(list(ids), labels), source=0, position=position)


def load_of(batches: Sequence[Batch]) -> Load:
    """What the samples of these micro batches hold, exactly."""
    samples = sum(batch.num_samples for batch in batches)
    positions = sum(batch.input_ids.numel() for batch in batches)
    lengths = torch.cat([batch.document_bounds.diff() for batch in batches]).double()
    tokens = sum(int((batch.document_ids > 0).sum()) for batch in batches)
    return Load(
        tokens=tokens / samples,
        targets=sum(batch.num_targets for batch in batches) / samples,
        visual=sum(len(batch.num_frames) for batch in batches) / samples,
        frames=sum(len(batch.pixel_values) for batch in batches) / samples,
        useful=tokens / positions,
        row_length=round(positions / sum(len(batch.input_ids) for batch in batches)),
        document_length=float(lengths.square().sum() / lengths.sum()),
        origin="counted in the micro batches",
    )
