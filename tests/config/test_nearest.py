"""Tests that the name which is told is the one that was most likely meant, or none."""

from __future__ import annotations

import pytest

from lynx.config.nearest import nearest, nearest_hint


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        ("a100", ["a10g", "a100-80gb", "a100-40gb"], "a100-40gb"),  # what begins so comes first
        ("stages.step", ["stages.pretrain.steps", "model.step_size"], "stages.pretrain.steps"),
        ("name_readable", ["supercategory", "name"], "name"),
        ("a/b/c", ["llama_7b", "eva_clip_g"], None),
        ("", ["desk"], None),
        ("desk", [], None),
    ],
)
def test_the_nearest_is_like_the_name(name: str, known: list[str], meant: str | None) -> None:
    assert nearest(name, known) == meant
    assert nearest_hint(name, known) == (f"; nearest is `{meant}`" if meant else "")
