"""Turns published weights of EVA-01 g and of BLIP-2 into a vision encoder's folder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import Blip2VisionModel

from lynx.config.errors import LynxError
from lynx.model.eva_files import opened_checkpoint
from lynx.model.vision_eva import MODEL_TYPE, eva_config
from lynx.tracking.files import atomic_dir, write_json_atomic

NUM_LAYERS = 39  # the release drops the last of EVA's 40
HEAD_DIM = 88  # of EVA-01 g: 16 heads
_PREFIXES = ("visual.trunk.", "visual.", "visual_encoder.", "vision_model.", "")
_NAMES = {  # EVA's, which LAVIS took over, to those of `Blip2VisionModel`
    "cls_token": "embeddings.class_embedding",
    "pos_embed": "embeddings.position_embedding",
    "patch_embed.proj.weight": "embeddings.patch_embedding.weight",
    "patch_embed.proj.bias": "embeddings.patch_embedding.bias",
}
_BLOCK_NAMES = {  # within a block
    "norm1.": "layer_norm1.",
    "norm2.": "layer_norm2.",
    "attn.proj.": "self_attn.projection.",
    "attn.": "self_attn.",
}
_BIASES = ("self_attn.q_bias", "self_attn.v_bias")  # EVA's, one tensor in `Blip2VisionModel`
_LEFT_OUT = {  # of the tower itself: pattern, and why Lynx has no place for it
    r"(norm|post_layernorm)\.(weight|bias)": "final norm: features are the last block's output",
    r"fc_norm\.(weight|bias)": "norm of averaged features: none are averaged",
    r"(lm_)?head\.(weight|bias)": "output layer: features are read before it",
    r"mask_token": "stands for hidden patches in EVA's own training",
    r".*relative_position_index": "a buffer of relative biases, of which EVA-01 g has none",
}


@dataclass(frozen=True)
class Conversion:
    """What became of a checkpoint's content."""

    source: Path
    folder: Path
    num_layers: int
    dtypes: tuple[str, ...]
    kept: tuple[str, ...]  # names in the source
    ignored: Mapping[str, tuple[str, ...]]  # reason -> names in the source


def convert_eva_checkpoint(
    source: Path, folder: Path, *, num_layers: int | None = NUM_LAYERS, head_dim: int = HEAD_DIM
) -> Conversion:
    """Write the vision encoder in `source` to `folder`, as config.json and model.safetensors.

    source: EVA-01 g (`EVA01_g_psz14.pt`, a CLIP trained from it, LAVIS's `eva_vit_g.pth`), a LAVIS
    BLIP-2 (`visual_encoder.*`), or a Hugging Face BLIP-2 (`vision_model.*`; a safetensors file, the
    index of several, or their folder). num_layers: first blocks to keep, None for all. Tensors are
    mapped, not copied, and keep their type; a folder already there is replaced. LynxError for a
    tensor of the tower that has neither a place nor a known reason to be left out.
    """
    with opened_checkpoint(source) as (tensors, beside):
        prefix = next(one for one in _PREFIXES if any(name.startswith(one) for name in tensors))
        ignored: dict[str, list[str]] = {"beside the weights": [*beside]} if beside else {}
        kept: dict[str, str] = {}  # our name -> name in the source
        for name in tensors:
            own, reason = _placed(name, prefix, num_layers, source)
            if reason:
                ignored.setdefault(reason, []).append(name)
            else:
                kept[own] = name
        weights = _with_fused_biases({own: tensors[name]() for own, name in kept.items()})
        settings = _settings(weights, source, head_dim)
        if num_layers is not None and settings["num_hidden_layers"] != num_layers:
            raise LynxError(
                f"{source}: has {settings['num_hidden_layers']} blocks; {num_layers} are wanted"
            )
        _check(weights, settings, source)
        with atomic_dir(folder) as temporary:
            write_json_atomic(temporary / "config.json", settings)
            save_file(weights, temporary / "model.safetensors", metadata={"format": "pt"})
    return Conversion(
        source=source,
        folder=folder,
        num_layers=settings["num_hidden_layers"],
        dtypes=tuple(sorted({str(one.dtype).removeprefix("torch.") for one in weights.values()})),
        kept=tuple(sorted(kept.values())),
        ignored={reason: tuple(sorted(names)) for reason, names in ignored.items()},
    )


def _placed(name: str, prefix: str, num_layers: int | None, source: Path) -> tuple[str, str]:
    """A tensor's name in `Blip2VisionModel` and "", or "" and the reason why it is left out."""
    if not name.startswith(prefix):
        return "", "no part of the vision encoder"
    inner = name.removeprefix(prefix)
    reasons = [why for pattern, why in _LEFT_OUT.items() if re.fullmatch(pattern, inner)]
    if reasons:
        return "", reasons[0]
    block = re.fullmatch(r"(?:blocks|encoder\.layers)\.(\d+)\.(.+)", inner)
    if block and num_layers is not None and int(block[1]) >= num_layers:
        return "", f"blocks after the first {num_layers}"
    if block:
        field = block[2]
        for theirs, ours in _BLOCK_NAMES.items():
            if field.startswith(theirs):
                field = ours + field.removeprefix(theirs)
                break
        return f"encoder.layers.{block[1]}.{field}", ""
    if inner in _NAMES or inner in _NAMES.values():
        return _NAMES.get(inner, inner), ""
    raise LynxError(f"{source}: {name} has no place in a vision encoder of EVA-01 g's shape")


def _with_fused_biases(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The biases of queries and values, and zeros between them for the keys, as one tensor."""
    fused = {name: one.contiguous() for name, one in tensors.items() if not name.endswith(_BIASES)}
    for name, q_bias in tensors.items():
        stem = name.removesuffix("q_bias")
        v_bias = tensors.get(f"{stem}v_bias")
        if name.endswith(_BIASES[0]) and v_bias is not None:
            fused[f"{stem}qkv.bias"] = torch.cat([q_bias, torch.zeros_like(q_bias), v_bias])
    return fused


def _settings(weights: Mapping[str, Tensor], source: Path, head_dim: int) -> dict[str, Any]:
    """The content of config.json, from the shapes of the tensors."""
    try:
        _, num_positions, width = weights["embeddings.position_embedding"].shape
        patch = weights["embeddings.patch_embedding.weight"].shape[-1]
        intermediate = weights["encoder.layers.0.mlp.fc1.weight"].shape[0]
    except (KeyError, ValueError) as error:
        raise LynxError(f"{source}: no vision encoder of EVA-01 g's shape: {error}") from error
    if width % head_dim:
        raise LynxError(f"{source}: width {width} is no multiple of {head_dim}, EVA-01 g's heads'")
    blocks = {name.split(".")[2] for name in weights if name.startswith("encoder.layers.")}
    return {
        "model_type": MODEL_TYPE,
        "hidden_size": width,
        "intermediate_size": intermediate,
        "num_hidden_layers": len(blocks),
        "num_attention_heads": width // head_dim,
        "image_size": isqrt(num_positions - 1) * patch,
        "patch_size": patch,
        "layer_norm_eps": 1e-6,
    }


def _check(weights: Mapping[str, Tensor], settings: Mapping[str, Any], source: Path) -> None:
    """LynxError where the tensors are not exactly a `Blip2VisionModel`'s without its final norm."""
    with torch.device("meta"):
        model = Blip2VisionModel(eva_config(settings, attention="sdpa"))
    shapes = {
        name: one.shape
        for name, one in model.state_dict().items()
        if not name.startswith("post_layernorm.")
    }
    wrong = sorted(
        (shapes.keys() ^ weights.keys())
        | {name for name in shapes.keys() & weights.keys() if shapes[name] != weights[name].shape}
    )
    if wrong:
        raise LynxError(
            f"{source}: {len(wrong)} tensors are missing, unknown or of another shape than the "
            f"others say, such as {wrong[0]} (by its name in a Blip2VisionModel)"
        )
