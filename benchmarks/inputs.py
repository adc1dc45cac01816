"""Makes the pictures and shards that the benchmarks read."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from lynx.config.prompt_pools import load_pool
from lynx.config.seeds import python_random
from lynx.data.micro_batches import MicroBatches, Share
from lynx.data.sample import Round, Sample
from lynx.data.shards.reading import ShardedSource
from lynx.data.shards.writing import write_shards
from lynx.data.stream import MixPlan
from tests.tiny import WORDS, write_tokenizer

PICTURE_SIZE = 256  # pixels
CROPPED_SIZE = 224
NUM_QUERIES = 32
MICRO_BATCH_SIZE = 32


def pictures(count: int, *, quality: int) -> list[bytes]:
    """JPEGs of 256 x 256: 1/f noise, as photographs have, and rectangles with sharp edges."""
    rng = np.random.default_rng(0)
    return [_jpeg(rng, quality) for _ in range(count)]


def _jpeg(rng: np.random.Generator, quality: int) -> bytes:
    frequencies = np.fft.fftfreq(PICTURE_SIZE)
    radius = np.hypot(*np.meshgrid(frequencies, frequencies))
    radius[0, 0] = 1
    shape = (3, PICTURE_SIZE, PICTURE_SIZE)
    spectrum = (rng.normal(size=shape) + 1j * rng.normal(size=shape)) / radius**1.2
    noise = np.fft.ifft2(spectrum).real
    noise = (noise - noise.mean((1, 2), keepdims=True)) / noise.std((1, 2), keepdims=True)
    pixels = (128 + 45 * noise).clip(0, 255).astype(np.uint8).transpose(1, 2, 0)
    for _ in range(4):
        left, upper = rng.integers(0, 200, 2)
        width, height = rng.integers(10, 56, 2)
        pixels[upper : upper + height, left : left + width] = rng.integers(0, 256, 3)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def write_source(
    folder: Path,
    images: Sequence[bytes],
    *,
    num_samples: int,
    samples_per_shard: int,
    broken: Collection[int] = (),
) -> ShardedSource:
    """A source named as its folder; `broken`: rows whose picture is cut off in the middle."""
    write_shards(
        _captions(folder.name, images, num_samples, broken),
        folder,
        source=folder.name,
        samples_per_shard=samples_per_shard,
        licence="none",
        builder="benchmarks",
    )
    return ShardedSource(folder)


def _captions(
    source: str, images: Sequence[bytes], num_samples: int, broken: Collection[int]
) -> Iterator[Sample]:
    for row in range(num_samples):
        rng = python_random(0, "caption", source, row)
        image = images[row % len(images)]
        if row in broken:
            image = image[: len(image) // 2]
        caption = " ".join(rng.choices(WORDS[8:], k=rng.randint(5, 15)))
        yield Sample(f"{row:07d}", source, "image", (Round({}, caption),), (image,))


def tokenizer_in(folder: Path) -> PreTrainedTokenizerBase:
    """The word-level tokenizer of the tests."""
    write_tokenizer(folder)
    return AutoTokenizer.from_pretrained(folder)


def micro_batches_of(
    plan: MixPlan,
    sources: Sequence[ShardedSource],
    tokenizer: PreTrainedTokenizerBase,
) -> tuple[MicroBatches, Share]:
    """Micro batches of captions and crops, as a stage makes them."""
    share = Share(
        global_batch_size=MICRO_BATCH_SIZE,
        micro_batch_size=MICRO_BATCH_SIZE,
        rank=0,
        world_size=1,
    )
    made = MicroBatches(
        plan=plan,
        share=share,
        sources={source.name: source for source in sources},
        pools={source.name: load_pool("caption") for source in sources},
        prompts="diverse",
        tokenizer=tokenizer,
        seed=0,
        stage="pretrain",
        image_size=CROPPED_SIZE,
        smallest_crop=0.9,
        max_text_tokens=256,
        pack_length=512,
        packing="balanced",
        num_queries=NUM_QUERIES,
        num_frames=5,
    )
    return made, share
