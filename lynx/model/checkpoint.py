"""Saves and loads what was trained, with the identity of what was not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from lynx.config.errors import LynxError
from lynx.model.lynx import LynxModel
from lynx.model.parts import PARTS, part_of
from lynx.model.vision_eva import EvaEncoder
from lynx.tracking.files import atomic_file

_IDENTIFYING = (  # files of a model folder that decide what the model computes
    "config.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "*.safetensors",
    "*.bin",
)
LOADED_PARTS = ("vision_encoder", "language_model")  # parts that start from weights on disk
VISION_POSITIONS = "vision_encoder.model.embeddings.position_embedding"  # (1, 1 + n^2, width)


def weights_identity(folder: Path) -> str:
    """sha256 over configuration, tokenizer and weights of a model folder, by their names."""
    files = [path for pattern in _IDENTIFYING for path in sorted(folder.glob(pattern))]
    return _digest(tuple((str(path), path.stat().st_mtime_ns) for path in files))


def trained_state(model: LynxModel) -> dict[str, Tensor]:
    """The tensors of the parts trained so far, by their names in the model."""
    return {
        name: parameter.detach()
        for name, parameter in model.named_parameters()
        if part_of(name) in model.trained_parts
    }


def save_trained_parts(
    model: LynxModel,
    path: Path,
    *,
    metadata: Mapping[str, Any],
    state: Mapping[str, Tensor] | None = None,
) -> None:
    """Write the trained parts as one safetensors file, in one go.

    metadata: JSON values kept beside the tensors. state: the tensors, where the model itself
    doesn't hold them whole and in full precision (DeepSpeed).
    """
    write_checkpoint(
        path,
        trained_state(model) if state is None else state,
        parts=model.trained_parts,
        identities=model.identities,
        metadata=metadata,
    )


def write_checkpoint(
    path: Path,
    tensors: Mapping[str, Tensor],
    *,
    parts: Iterable[str],
    identities: Mapping[str, str],
    metadata: Mapping[str, Any],
) -> None:
    """Write all tensors of `parts` under their names in the model; see `save_trained_parts`.

    identities: of the weights that the other parts are loaded from.
    """
    header = {
        **metadata,
        "parts": sorted(parts),
        "identities": {part: identities.get(part) for part in LOADED_PARTS},
    }
    with atomic_file(path) as temporary:
        safetensors.torch.save_file(
            {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()},
            temporary,
            metadata={"lynx": json.dumps(header, sort_keys=True)},
        )


def read_metadata(path: Path) -> dict[str, Any]:
    """What stands beside the tensors of a checkpoint: `metadata`, parts and identities."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get("lynx")
    except (OSError, safetensors.SafetensorError) as error:
        raise LynxError(
            f"checkpoint {path}: not readable as safetensors: {error}; it is damaged: copy it "
            "again, or remove it and train its stage again"
        ) from error
    if text is None:
        raise LynxError(f"checkpoint {path}: not written by this suite (no `lynx` metadata)")
    header: dict[str, Any] = json.loads(text)
    return header


def load_trained_parts(model: LynxModel, path: Path) -> dict[str, Any]:
    """Load a checkpoint's parts into the model and give its metadata.

    A checkpoint that was trained over other frozen weights, or for other sizes, is a LynxError.
    """
    header = read_metadata(path)
    _check_identities(model, header, path)
    # Read, not mapped: what is mapped counts as a second copy until the file is closed.
    with safetensors.safe_open(path, framework="pt", backend="pread") as file:
        shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
        if VISION_POSITIONS in shapes and isinstance(model.vision_encoder, EvaEncoder):
            model.vision_encoder.make_room_for_positions(shapes[VISION_POSITIONS][1])
        own = {
            name: parameter
            for name, parameter in model.named_parameters()
            if part_of(name) in header["parts"]
        }
        wrong = sorted(
            (own.keys() ^ shapes.keys())
            | {name for name in own.keys() & shapes.keys() if [*own[name].shape] != shapes[name]}
        )
        if wrong:
            raise LynxError(
                f"checkpoint {path}: {len(wrong)} tensors are missing, unknown or of another shape "
                f"than in this model, such as {wrong[0]}; `model` of the configuration must be the "
                "same"
            )
        with torch.no_grad():
            for name, parameter in own.items():
                parameter.copy_(file.get_tensor(name))
    model.trained_parts |= set(header["parts"])
    return header


def _check_identities(model: LynxModel, header: Mapping[str, Any], path: Path) -> None:
    for part in LOADED_PARTS:
        stated, own = header["identities"].get(part), model.identities.get(part)
        if part not in header["parts"] and stated != own:
            raise LynxError(
                f"checkpoint {path}: trained with the {part} {str(stated)[:12]}, but "
                f"model.{part}.checkpoint holds {str(own)[:12]}; give the weights of the training"
            )
    unknown = set(header["parts"]) - set(PARTS)
    if unknown:
        raise LynxError(f"checkpoint {path}: unknown parts {sorted(unknown)}")


@lru_cache(maxsize=16)
def _digest(stamps: tuple[tuple[str, int], ...]) -> str:
    """Cached by path and modification time: 7B weights take ten seconds."""
    digest = hashlib.sha256()
    for name, _ in stamps:
        path = Path(name)
        digest.update(path.name.encode())
        with path.open("rb") as stream:
            while block := stream.read(1 << 22):
                digest.update(block)
    return digest.hexdigest()
