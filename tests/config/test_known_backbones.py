"""Tests of the list of pretrained models."""

from __future__ import annotations

from lynx.config.known_backbones import known_backbones


def test_every_entry_names_its_part_and_a_model_type() -> None:
    for entry in known_backbones().values():
        assert entry.part in ("vision_encoder", "language_model")
        assert entry.shape["model_type"]
