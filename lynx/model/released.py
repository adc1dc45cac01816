"""Maps tensors of the authors' released checkpoints to our names and layouts, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, cat
from torch.nn.functional import interpolate

from lynx.config.errors import LynxError
from lynx.model.checkpoint import VISION_POSITIONS
from lynx.model.parts import part_of

Shape = tuple[int, ...]

_BLOCK, _THEIR_BLOCK = "vision_encoder.model.encoder.layers.#", "vision_encoder.blocks.#"
_LAYER, _THEIR_LAYER = "resampler.layers.#", "bridge.layers.#"
_ADAPTER = "language_model.model.layers.#.output_adapter"
_THEIR_ADAPTER = "LLM.model.layers.#.output_adapter"
# Ours, and the release's; # is a number. The first that begins a name decides, its tail is kept.
_NAMES = (
    ("vision_encoder.model.embeddings.class_embedding", "vision_encoder.cls_token"),
    (VISION_POSITIONS, "vision_encoder.pos_embed"),
    ("vision_encoder.model.embeddings.patch_embedding", "vision_encoder.patch_embed.proj"),
    (f"{_BLOCK}.layer_norm1", f"{_THEIR_BLOCK}.norm1"),
    (f"{_BLOCK}.layer_norm2", f"{_THEIR_BLOCK}.norm2"),
    (f"{_BLOCK}.self_attn.qkv.q_bias", f"{_THEIR_BLOCK}.attn.q_proj.bias"),
    (f"{_BLOCK}.self_attn.qkv.v_bias", f"{_THEIR_BLOCK}.attn.v_proj.bias"),
    (f"{_BLOCK}.self_attn.projection", f"{_THEIR_BLOCK}.attn.proj"),
    (f"{_BLOCK}.mlp", f"{_THEIR_BLOCK}.mlp"),
    ("resampler.queries", "bridge.latents"),
    (f"{_LAYER}.attention.norm_features", f"{_THEIR_LAYER}.0.norm_media"),
    (f"{_LAYER}.attention.norm_queries", f"{_THEIR_LAYER}.0.norm_latents"),
    (f"{_LAYER}.attention", f"{_THEIR_LAYER}.0"),
    (f"{_LAYER}.feed_forward.norm", f"{_THEIR_LAYER}.1.0"),
    (f"{_LAYER}.feed_forward.up", f"{_THEIR_LAYER}.1.1"),
    (f"{_LAYER}.feed_forward.down", f"{_THEIR_LAYER}.1.3"),
    ("resampler.norm", "bridge.norm"),
    ("frame_positions", "absolute_frame_pos_embed"),
    (f"{_ADAPTER}.norm", f"{_THEIR_ADAPTER}.adapter_norm_before"),
    (f"{_ADAPTER}.down", f"{_THEIR_ADAPTER}.adapter_down"),
    (f"{_ADAPTER}.up", f"{_THEIR_ADAPTER}.adapter_up"),
    ("language_model", "LLM"),
)
_FUSED = ".self_attn.qkv.weight"  # the release has a projection each
_COMPUTED = re.compile(r"LLM\.model\.layers\.\d+\.self_attn\.rotary_emb\.inv_freq")
_PREFIX = "model."
_KEYS = {  # what in a configuration decides a tensor's size, by the beginning of our name
    "frame_positions": "model.num_frames",
    "resampler.queries": "model.resampler.num_queries",
    "resampler.layers.#.attention.to_": "model.resampler.num_heads times head_dim",
    "resampler.layers.#.feed_forward": "model.resampler.feed_forward_multiplier",
    _ADAPTER: "model.adapter.bottleneck_divisor",
    VISION_POSITIONS: "stages.instruct.image_size, over the patch size",
    "vision_encoder": "model.vision_encoder.checkpoint",
}


@dataclass(frozen=True)
class Translated:
    """A released checkpoint under our names, and what does not fit."""

    tensors: dict[str, Tensor]
    missing: list[str]  # our names that the file lacks, of parts of which it holds something
    unexpected: list[str]  # the file's names that have no place in the variant
    incomplete: list[str]  # the file's names of pieces of a parameter that lacks another piece
    computed: list[str]  # the file's names of what is computed from the configuration


def without_prefix(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state dict under the names that the release's loading sees.

    It takes every leading character of "model." away, in whatever order they come, not the prefix.
    """
    stripped: dict[str, Tensor] = {}
    for name, tensor in state.items():
        own = name.lstrip(_PREFIX)
        if own in stripped:
            raise LynxError(f"two tensors are called {own} without their prefix; one is {name}")
        stripped[own] = tensor
    return stripped


def with_prefix(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The inverse of `without_prefix`; a name that its loading would cut further is a LynxError."""
    for name in state:
        if name.lstrip(_PREFIX) != name:
            raise LynxError(f"{name}: the release's loading would take away how this name begins")
    return {f"{_PREFIX}{name}": tensor for name, tensor in state.items()}


def released_names(name: str) -> tuple[str, ...]:
    """The release's tensors that make up our parameter; a name it can't have is a LynxError."""
    if name.endswith(_FUSED):
        stem = name.removesuffix(_FUSED)
        block = _renamed(f"{stem}.self_attn.projection.weight").removesuffix(".proj.weight")
        return tuple(f"{block}.{role}_proj.weight" for role in "qkv")
    return (_renamed(name),)


def to_released(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Our tensors under the release's names; views, nothing is copied."""
    released: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        names = released_names(name)
        pieces = tensor.chunk(len(names)) if len(names) > 1 else [tensor]
        if name == "frame_positions":
            pieces = [tensor[None, :, None]]
        released |= dict(zip(names, pieces, strict=True))
    return released


def from_released(state: Mapping[str, Tensor], *, expected: Mapping[str, Shape]) -> Translated:
    """The release's tensors, by the names that its loading sees, under ours.

    expected: shape of every parameter of the variant. A part that loads its weights from elsewhere
    (vision encoder, language model) may be absent as a whole. Other shapes are a LynxError.
    """
    names = {own: released_names(own) for own in expected}
    taken = {theirs for pieces in names.values() for theirs in pieces}
    present = {part_of(own) for own, pieces in names.items() if any(p in state for p in pieces)}
    needed = present | {"resampler", "frame_positions", "adapters"}
    complete = {own: pieces for own, pieces in names.items() if all(p in state for p in pieces)}
    _check_shapes(state, names, expected)
    rest = [name for name in state if name not in taken]
    lacking = [own for own in names if own not in complete]
    return Translated(
        tensors={own: _joined(own, [state[p] for p in ps]) for own, ps in complete.items()},
        missing=[own for own in lacking if part_of(own) in needed],
        unexpected=[name for name in rest if not _COMPUTED.fullmatch(name)],
        incomplete=[p for own in lacking for p in names[own] if p in state],
        computed=[name for name in rest if _COMPUTED.fullmatch(name)],
    )


def resized_positions(table: Tensor, grid: int) -> Tensor:
    """Position embeddings (1, 1 + n^2, width) for grid x grid patches, as the release resizes them.

    Bicubic in float32, the CLS token's left as it is; a table of that grid is given back itself.
    """
    side = round((table.shape[1] - 1) ** 0.5)
    if side == grid:
        return table
    patches = table[:, 1:].float().unflatten(1, (side, side)).permute(0, 3, 1, 2)
    patches = interpolate(patches, size=(grid, grid), mode="bicubic", align_corners=False)
    return cat([table[:, :1].float(), patches.permute(0, 2, 3, 1).flatten(1, 2)], dim=1)


def _renamed(name: str) -> str:
    for ours, theirs in _NAMES:
        match = _begins(ours, name)
        if match is not None:
            number = match.group("number") if "#" in ours else ""
            return f"{theirs.replace('#', number)}{name[match.end() :]}"
    raise LynxError(
        f"the release has no place for {name}; it knows EVA's vision encoder, the resampler, "
        "adapters on the outputs of a LLaMA's layers, and frame positions"
    )


def _begins(pattern: str, name: str) -> re.Match[str] | None:
    expression = re.escape(pattern).replace(r"\#", r"(?P<number>\d+)")
    return re.match(rf"{expression}(?=\.|$)", name)


def _joined(name: str, pieces: list[Tensor]) -> Tensor:
    if name == "frame_positions":
        return pieces[0][0, :, 0]
    return pieces[0] if len(pieces) == 1 else cat(pieces)


def _check_shapes(
    state: Mapping[str, Tensor],
    names: Mapping[str, tuple[str, ...]],
    expected: Mapping[str, Shape],
) -> None:
    wrong = []
    for own, pieces in names.items():
        shape = _released_shape(own, expected[own], len(pieces))
        found = [(piece, tuple(state[piece].shape)) for piece in pieces if piece in state]
        wrong += [(own, piece, size, shape) for piece, size in found if size != shape]
    if wrong:
        shown = "; ".join(
            f"{piece} is {list(size)}, and the variant has {list(shape)}{_key(own)}"
            for own, piece, size, shape in wrong[:3]
        )
        raise LynxError(f"{len(wrong)} tensors have another shape than the variant's: {shown}")


def _released_shape(name: str, shape: Shape, num_pieces: int) -> Shape:
    if name == "frame_positions":
        return (1, shape[0], 1, shape[1])
    return (shape[0] // num_pieces, *shape[1:])


def _key(name: str) -> str:
    for pattern, key in _KEYS.items():
        if re.match(re.escape(pattern).replace(r"\#", r"\d+"), name):
            return f" ({key})"
    return " (model.language_model.checkpoint)"
