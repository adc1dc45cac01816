"""Which part of Lynx a parameter belongs to."""

from __future__ import annotations

from lynx.model.adapters import ATTRIBUTE

PARTS = ("vision_encoder", "resampler", "frame_positions", "adapters", "language_model")
TRAINED_WITH = {"frame_positions": "resampler"}  # parts that follow another part's switch


def part_of(parameter_name: str) -> str:
    """The part of a parameter of LynxModel, by its name there; an unknown name is a KeyError."""
    if f".{ATTRIBUTE}." in parameter_name:
        return "adapters"
    part = parameter_name.split(".", 1)[0]
    if part not in PARTS:
        raise KeyError(f"{parameter_name} belongs to no part of Lynx")
    return part


def trainable_parts(switches: dict[str, bool]) -> frozenset[str]:
    """Parts that a stage trains, from its switches (`vision_encoder`, `resampler`, ...)."""
    return frozenset(part for part in PARTS if switches[TRAINED_WITH.get(part, part)])
