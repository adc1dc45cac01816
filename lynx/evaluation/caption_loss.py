"""Loss on captions with the right picture and with another's: does the model look at all?"""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from lynx.config.prompt_pools import PromptPool
from lynx.config.seeds import python_random
from lynx.data.batch import Batch, Document, collate
from lynx.data.sample import Sample
from lynx.data.text import IGNORED, encode_sample
from lynx.data.transforms import CLIP_MEAN, CLIP_STD, Colors, image_to_levels
from lynx.evaluation.questions import content_name
from lynx.evaluation.statistics import Difference, paired_mean
from lynx.evaluation.swap import donors

_CHUNK = 16  # samples of one forward pass


class Scorer(Protocol):
    """What gives the loss of every supervised token of a batch."""

    def __call__(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Losses (num_targets,) in nats, and the source of each."""


@dataclass(frozen=True)
class CaptionLosses:
    """Mean losses in nats a token, each sample counted once."""

    num_samples: int
    right: float
    swapped: float
    difference: Difference  # swapped minus right; above 0 where the picture helps


@torch.no_grad()
def caption_losses(
    model: Scorer,
    samples: Sequence[Sample],
    *,
    pool: PromptPool,
    tokenizer: PreTrainedTokenizerBase,
    image_size: int,
    num_queries: int,
    seed: int,
    use_bf16: bool | None = None,
    image_mean: Colors = CLIP_MEAN,
    image_std: Colors = CLIP_STD,
) -> CaptionLosses:
    """Score every sample's responses with its own picture and with that of another sample.

    The swapped picture differs from the sample's own in content, and each picture is used as often
    either way. Samples go to the model's device. use_bf16: autocast; by default on a GPU.
    image_mean, image_std: as in training.
    """
    device = _device_of(model)
    if use_bf16 is None:
        use_bf16 = device.type == "cuda"
    swapped = with_swapped_pictures(samples, seed=seed)
    with torch.autocast(device.type, torch.bfloat16) if use_bf16 else nullcontext():
        right, wrong = (
            _losses(
                model,
                group,
                pool,
                tokenizer,
                image_size,
                num_queries,
                device,
                colors=(image_mean, image_std),
            )
            for group in (samples, swapped)
        )
    differences = [b - a for a, b in zip(right, wrong, strict=True)]
    return CaptionLosses(
        num_samples=len(samples),
        right=sum(right) / len(right),
        swapped=sum(wrong) / len(wrong),
        difference=paired_mean(differences),
    )


def with_swapped_pictures(samples: Sequence[Sample], *, seed: int) -> list[Sample]:
    """Every sample with the picture of another that differs in content."""
    pictures = [content_name(sample.images) for sample in samples]
    dealt = donors(pictures, range(len(samples)), python_random(seed, "caption_loss"))
    return [
        replace(one, images=samples[donor].images)
        for one, donor in zip(samples, dealt, strict=True)
    ]


def _losses(
    model: Scorer,
    samples: Sequence[Sample],
    pool: PromptPool,
    tokenizer: PreTrainedTokenizerBase,
    image_size: int,
    num_queries: int,
    device: torch.device,
    *,
    colors: tuple[Colors, Colors],
) -> list[float]:
    """Mean loss of each sample, in order."""
    means: list[float] = []
    for start in range(0, len(samples), _CHUNK):
        documents = [
            _document(sample, number, pool, tokenizer, image_size)
            for number, sample in enumerate(samples[start : start + _CHUNK])
        ]
        longest = max(len(one.text.input_ids) for one in documents) + num_queries
        batch = collate(
            documents,
            pack_length=longest,
            num_queries=num_queries,
            image_size=image_size,
            pad_token_id=tokenizer.pad_token_id,
            image_mean=colors[0],
            image_std=colors[1],
        )
        losses, number_of = model(batch.to(device))
        for number in range(len(documents)):
            means.append(losses[number_of == number].mean().item())
    return means


def _device_of(model: Scorer) -> torch.device:
    if isinstance(model, nn.Module):
        return next(model.parameters()).device
    return torch.device("cpu")


def _document(
    sample: Sample,
    number: int,
    pool: PromptPool,
    tokenizer: PreTrainedTokenizerBase,
    image_size: int,
) -> Document:
    """The sample under the pool's single prompt; its number stands where a source's would."""
    text = encode_sample(
        sample,
        pool=pool,
        tokenizer=tokenizer,
        prompts="single",
        rng=random.Random(0),
        max_text_tokens=10**6,
    )
    assert any(label != IGNORED for label in text.labels)
    frames = [image_to_levels(data, image_size=image_size) for data in sample.images]
    return Document(torch.stack(frames), text, number, number)
