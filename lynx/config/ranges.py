"""The numbers that each knob may have; what lies outside would fail, or hang, hours later."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from lynx.config.diff import comparable
from lynx.config.files import flattened
from lynx.config.schema import Config


@dataclass(frozen=True)
class Range:
    """Finite numbers from `low` to `high`, with or without the ends."""

    low: float = -math.inf
    high: float = math.inf
    without_low: bool = False
    without_high: bool = False

    def __contains__(self, value: float) -> bool:
        if not math.isfinite(value) or not self.low <= value <= self.high:
            return False
        return not (
            (self.without_low and value == self.low) or (self.without_high and value == self.high)
        )

    def __str__(self) -> str:
        """As it ends the sentence "3 is not"."""
        bounds = []
        if math.isfinite(self.low):
            bounds.append(f"{'above' if self.without_low else 'at least'} {self.low:g}")
        if math.isfinite(self.high):
            bounds.append(f"{'below' if self.without_high else 'at most'} {self.high:g}")
        return " and ".join(bounds) or "a finite number"


ANY = Range()
NOT_NEGATIVE = Range(0)
AT_LEAST_ONE = Range(1)
ABOVE_ZERO = Range(0, without_low=True)
SHARE = Range(0, 1)
SHARE_ABOVE_ZERO = Range(0, 1, without_low=True)
SHARE_BELOW_ONE = Range(0, 1, without_high=True)

RANGES = {  # `*` is a stage, a benchmark or a generation row
    "seed": NOT_NEGATIVE,
    "vocabulary.image_size.low": AT_LEAST_ONE,
    "vocabulary.image_size.high": AT_LEAST_ONE,
    "model.vision_encoder.patch_size": AT_LEAST_ONE,
    "model.vision_encoder.feature_layer": Range(high=-1),
    "model.vision_encoder.drop_path_rate": SHARE_BELOW_ONE,
    "model.vision_encoder.image_mean": SHARE,
    "model.vision_encoder.image_std": SHARE_ABOVE_ZERO,
    "model.resampler.num_queries": AT_LEAST_ONE,
    "model.resampler.num_layers": AT_LEAST_ONE,
    "model.resampler.num_heads": AT_LEAST_ONE,
    "model.resampler.head_dim": AT_LEAST_ONE,
    "model.resampler.feed_forward_multiplier": AT_LEAST_ONE,
    "model.adapter.every_n_layers": AT_LEAST_ONE,
    "model.adapter.bottleneck_divisor": AT_LEAST_ONE,
    "model.num_frames": AT_LEAST_ONE,
    "model.frame_position_std": NOT_NEGATIVE,
    "data.pack_length": AT_LEAST_ONE,
    "data.max_text_tokens": AT_LEAST_ONE,
    "data.num_workers": NOT_NEGATIVE,
    "data.locality": NOT_NEGATIVE,
    "data.shard_cache_gb": ABOVE_ZERO,
    "data.random_crop_scale": SHARE_ABOVE_ZERO,
    "data.max_failures_per_source": SHARE,
    "stages.*.image_size": AT_LEAST_ONE,
    "stages.*.steps": AT_LEAST_ONE,
    "stages.*.global_batch_size": AT_LEAST_ONE,
    "stages.*.micro_batch_size": AT_LEAST_ONE,
    "stages.*.learning_rate": ABOVE_ZERO,
    "optimizer.betas": SHARE_BELOW_ONE,
    "optimizer.eps": ABOVE_ZERO,
    "optimizer.weight_decay": NOT_NEGATIVE,
    "optimizer.warmup_ratio": SHARE,
    "optimizer.warmup_start_factor": SHARE,
    "optimizer.final_factor": SHARE,
    "optimizer.gradient_clip": ABOVE_ZERO,
    "hardware.devices": AT_LEAST_ONE,
    "hardware.num_nodes": AT_LEAST_ONE,
    "hardware.threads": NOT_NEGATIVE,
    "hardware.zero_stage": Range(1, 3),
    "evaluation.benchmarks.*.num_questions_per_class": NOT_NEGATIVE,
    "evaluation.benchmarks.*.padding": NOT_NEGATIVE,
    "evaluation.generation.*.max_new_tokens": AT_LEAST_ONE,
    "evaluation.generation.*.num_beams": AT_LEAST_ONE,
    "evaluation.generation.*.top_p": SHARE_ABOVE_ZERO,
    "evaluation.generation.*.top_k": NOT_NEGATIVE,
    "evaluation.generation.*.length_penalty": ANY,
    "evaluation.generation.*.no_repeat_ngram_size": NOT_NEGATIVE,
    "evaluation.judge.temperature": NOT_NEGATIVE,
    "evaluation.judge.max_retries": NOT_NEGATIVE,
    "evaluation.judge.concurrency": AT_LEAST_ONE,
    "evaluation.judge.timeout": ABOVE_ZERO,
    "evaluation.judge.max_reply_tokens": AT_LEAST_ONE,
    "evaluation.judge.repeats": AT_LEAST_ONE,
    "evaluation.judge.budget": ABOVE_ZERO,
    "evaluation.judge.input_price": NOT_NEGATIVE,
    "evaluation.judge.output_price": NOT_NEGATIVE,
    "evaluation.batch_size": AT_LEAST_ONE,
    "evaluation.max_input_tokens": Range(2),  # BOS and something that is asked
    "tracking.log_every_n_steps": AT_LEAST_ONE,
    "tracking.checkpoint_every_n_steps": AT_LEAST_ONE,
    "tracking.num_sample_pictures": NOT_NEGATIVE,
}
_NAMED = re.compile(r"^(stages|evaluation\.benchmarks|evaluation\.generation)\.[^.]+\.")


def range_problems(config: Config) -> Iterator[str]:
    """Each number outside its range, by key."""
    for key, value in flattened(comparable(config)).items():
        allowed = RANGES.get(general_key(key))
        if allowed is None or value is None:
            continue
        for number in value if isinstance(value, list) else [value]:
            if number not in allowed:
                yield f"{key}: {number} is not {allowed}"


def general_key(key: str) -> str:
    """`key` with `*` for the name of its stage, benchmark or generation row."""
    return _NAMED.sub(r"\1.*.", key)
