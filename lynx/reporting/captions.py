"""What a run's caption losses with right and swapped pictures say, as text."""

from __future__ import annotations

from pathlib import Path

from lynx.config.compose import load_config
from lynx.config.errors import LynxError
from lynx.data.prompts import load_pool
from lynx.data.shards import ShardedSource
from lynx.evaluation.build import last_stage_image_size, trained_parts_path
from lynx.evaluation.caption_loss import caption_losses
from lynx.model.build import load_for_evaluation
from lynx.model.language_model import load_tokenizer
from lynx.tracking.run_dir import RunDir


def caption_loss_text(run_dir: RunDir, shards: Path, *, pool: str) -> str:
    """One line a figure: losses in nats a token, their difference, its 95 % interval, a verdict."""
    config = load_config(run_dir.config_path)
    source = ShardedSource(shards)
    samples = [source.read(row) for row in range(len(source))]
    samples = [sample for sample in samples if sample.kind == "image"]
    if len(samples) < 2:
        raise LynxError(f"{shards}: {len(samples)} pictures; a swap needs at least two")
    found = caption_losses(
        load_for_evaluation(config, trained_parts_path(run_dir)),
        samples,
        pool=load_pool(pool),
        tokenizer=load_tokenizer(config.model.language_model.checkpoint),
        image_size=last_stage_image_size(config),
        num_queries=config.model.resampler.num_queries,
        seed=config.seed,
    )
    interval = found.difference.interval
    verdict = "the picture helps" if interval.low > 0 else "undecided"
    if interval.high < 0:
        verdict = "the right picture is worse"
    return "\n".join(
        (
            f"{source.name}: {found.num_samples} samples, nats a token, mean over samples",
            f"  right picture    {found.right:.4f}",
            f"  swapped picture  {found.swapped:.4f}",
            f"  swapped - right  {found.difference.value:+.4f}  "
            f"[{interval.low:+.4f}, {interval.high:+.4f}]  {verdict}",
        )
    )
