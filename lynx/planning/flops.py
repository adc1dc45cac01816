"""Counts the floating-point operations of training a stage, from the sizes of the parts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from lynx.config.schema import Config, StageConfig
from lynx.model.attention import VARLEN
from lynx.model.build import meta_model_of
from lynx.planning.load import Load, stage_load
from lynx.planning.parameters import trained_parts
from lynx.planning.sizes import Sizes, sizes_of

PARTS = ("vision_encoder", "resampler", "adapters", "language_model")


@dataclass(frozen=True)
class Work:
    """Operations of a part's forward pass: of weights, of attention's scores and sums, and of the
    weights that read pixels."""

    weights: float
    attention: float = 0.0
    patches: float = 0.0

    @property
    def forward(self) -> float:
        """All."""
        return self.weights + self.attention + self.patches

    def backward(self, *, is_trained: bool, passes_on: bool) -> float:
        """A weight costs as much as forward for its own gradient, and again for its input's.

        passes_on: whether what lies below needs a gradient. Attention has no weights: both factors
        of its two products need a gradient. Pixels need none.
        """
        times = int(is_trained) + int(passes_on)
        attention = 2 * self.attention if times else 0.0
        return times * self.weights + attention + (self.patches if is_trained else 0.0)


@dataclass(frozen=True)
class StageFlops:
    """Operations per sample, by part.

    recomputed: of the forward passes that gradient checkpointing repeats; not part of `total`,
    since a utilisation counts what is needed.
    """

    forward: dict[str, float]
    backward: dict[str, float]
    recomputed: dict[str, float]

    @property
    def total(self) -> float:
        """What training on a sample needs."""
        return sum(self.forward.values()) + sum(self.backward.values())


def stage_flops(
    config: Config, stage: str, *, load: Load | None = None, sizes: Sizes | None = None
) -> StageFlops:
    """Operations per sample of the stage; a multiplication with its addition counts as two.

    Norms, activations and the optimizer are left out: they take memory traffic, not operations.
    """
    settings: StageConfig = getattr(config.stages, stage)
    load = load or stage_load(config, stage)
    sizes = sizes or sizes_of(meta_model_of(config))
    trained = trained_parts(config, stage)
    is_varlen = config.hardware.attention == VARLEN
    work = forward_work(
        sizes,
        load,
        image_size=settings.image_size,
        attended=load.document_length if is_varlen else load.row_length,
    )
    recomputed = {}
    if config.hardware.gradient_checkpointing:
        recomputed = _recomputed(sizes, load, work, image_size=settings.image_size, trained=trained)
    return StageFlops(
        forward={part: work[part].forward for part in PARTS},
        backward={
            part: work[part].backward(
                is_trained=part in trained, passes_on=_passes_on(part, trained)
            )
            for part in PARTS
        },
        recomputed=recomputed,
    )


def forward_work(sizes: Sizes, load: Load, *, image_size: int, attended: float) -> dict[str, Work]:
    """Forward operations of each part for a sample.

    attended: positions that a position of the language model is multiplied with: of its packed row,
    as a mask saves nothing, or of its document. The head reads target positions only.
    """
    tower, resampler, language = sizes.tower, sizes.resampler, sizes.language
    tokens = tower.tokens(image_size)
    features, queries = load.frames * tokens, load.visual * resampler.num_queries
    inner = language.num_heads * language.head_dim
    return {
        "vision_encoder": Work(
            2 * load.frames * tower.matrix * tokens,
            4 * load.frames * tower.num_layers * tower.width * tokens**2,
            2 * load.frames * tower.patch_matrix * (tokens - tower.num_extra_tokens),
        ),
        "resampler": Work(
            2 * (resampler.query_matrix * queries + resampler.feature_matrix * features),
            4 * resampler.num_layers * resampler.inner * resampler.num_queries * features,
        ),
        "adapters": Work(2 * load.positions * sizes.adapters.matrix),
        "language_model": Work(
            2 * (load.positions * language.matrix + load.targets * language.head_matrix),
            4 * load.positions * language.num_layers * inner * attended,
        ),
    }


def _passes_on(part: str, trained: Collection[str]) -> bool:
    """Whether gradients go through the part's layers to something trained below.

    Of the vision encoder to its own embeddings; frame positions lie below the resampler; adapters
    sit between the language model's layers, which therefore always pass gradients on.
    """
    if part == "vision_encoder":
        return part in trained
    if part == "resampler":
        return "vision_encoder" in trained or "frame_positions" in trained
    return True


def _recomputed(
    sizes: Sizes, load: Load, work: dict[str, Work], *, image_size: int, trained: Collection[str]
) -> dict[str, float]:
    """Operations that checkpointed layers repeat.

    Each up to its last product, whose result no gradient needs. Adapters are hooks, and those run
    outside of the checkpoint. A frozen vision encoder runs without gradients.
    """
    tower, language = sizes.tower, sizes.language
    last = tower.width * tower.mlp_width * tower.num_layers
    last_products = 2 * load.frames * tower.tokens(image_size) * last
    found = {}
    if "vision_encoder" in trained:
        encoder = work["vision_encoder"]
        found["vision_encoder"] = encoder.weights + encoder.attention - last_products
    last = language.width * language.mlp_width * language.num_layers
    head = 2 * load.targets * language.head_matrix
    whole = work["language_model"].forward
    found["language_model"] = whole - head - 2 * load.positions * last
    return found
