"""What a run says of pictures it was not trained on, and of swapped ones: losses and captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from lynx.config.compose import load_config
from lynx.config.errors import LynxError
from lynx.config.prompt_pools import PromptPool, load_pool
from lynx.data.sample import Sample
from lynx.data.shards.reading import ShardedSource
from lynx.evaluation.asking import Asker, Decoding
from lynx.evaluation.build import (
    build_asker,
    last_stage_image_size,
    trained_parts_path,
    uses_bf16,
)
from lynx.evaluation.caption_loss import CaptionLosses, caption_losses, with_swapped_pictures
from lynx.evaluation.captioning import captions
from lynx.evaluation.wandb_table import spread
from lynx.model.build import load_for_evaluation
from lynx.model.language_model import load_tokenizer
from lynx.reporting.text import aligned, shortened
from lynx.tracking.run_dir import RunDir

DECODING_ROW = "image_description"  # of Table 9
_WIDTH = 44  # characters of a caption in the table


def captions_text(run_dir: RunDir, shards: Path, *, pool: str, num_shown: int) -> str:
    """Losses in nats a token with a 95 % interval of their difference, and `num_shown` captions."""
    config = load_config(run_dir.config_path)
    source = ShardedSource(shards)
    samples = [source.read(row) for row in range(len(source))]
    samples = [sample for sample in samples if sample.kind == "image"]
    if len(samples) < 2:
        raise LynxError(f"{shards}: {len(samples)} pictures; a swap needs at least two")
    model = load_for_evaluation(config, trained_parts_path(run_dir))
    tokenizer = load_tokenizer(config.model.language_model.checkpoint)
    phrasings = load_pool(pool)
    found = caption_losses(
        model,
        samples,
        pool=phrasings,
        tokenizer=tokenizer,
        image_size=last_stage_image_size(config),
        num_queries=config.model.resampler.num_queries,
        seed=config.seed,
        use_bf16=uses_bf16(config),
        image_mean=config.model.vision_encoder.image_mean,
        image_std=config.model.vision_encoder.image_std,
    )
    parts = [_losses_text(source.name, found)]
    if num_shown:
        asker = build_asker(config, model=model, tokenizer=tokenizer)
        decoding = asdict(config.evaluation.generation[DECODING_ROW])
        swapped = with_swapped_pictures(samples, seed=config.seed)
        shown = spread(len(samples), num_shown)
        pairs = [samples[i] for i in shown], [swapped[i] for i in shown]
        parts.append(_said_text(asker, *pairs, pool=phrasings, decoding=decoding))
    return "\n\n".join(parts)


def _losses_text(name: str, found: CaptionLosses) -> str:
    interval = found.difference.interval
    verdict = "the picture helps" if interval.low > 0 else "undecided"
    if interval.high < 0:
        verdict = "the right picture is worse"
    return "\n".join(
        (
            f"{name}: {found.num_samples} samples, nats a token, mean over samples",
            f"  right picture    {found.right:.4f}",
            f"  swapped picture  {found.swapped:.4f}",
            f"  swapped - right  {found.difference.value:+.4f}  "
            f"[{interval.low:+.4f}, {interval.high:+.4f}]  {verdict}",
        )
    )


def _said_text(
    asker: Asker,
    samples: Sequence[Sample],
    swapped: Sequence[Sample],
    *,
    pool: PromptPool,
    decoding: Decoding,
) -> str:
    """A line a sample: its own caption, what the model says of its picture and of a swapped one."""
    said = [captions(asker, s, prompt=pool.single, decoding=decoding) for s in (samples, swapped)]
    lines = [["caption of the picture", "said of it", "said of a swapped one"]]
    for one, right, wrong in zip(samples, *said, strict=True):
        lines.append([shortened(text, _WIDTH) for text in (one.rounds[0].response, right, wrong)])
    return aligned(lines)
