"""The one-factor certificate: every ablation's resolved diff, as text that a person reviewed.

`make golden` writes the texts anew; `git diff tests/golden` shows what changed.
"""

from __future__ import annotations

import os
from functools import cache
from itertools import product

import pytest

from lynx.config.compose import compose, list_ablations, list_scales
from lynx.config.diff import diff_text
from lynx.config.paths import repository_root

composed = cache(compose)
GOLDEN = repository_root() / "tests" / "golden"
CASES = {f"{a.name}.{scale}": (a, scale) for a, scale in product(list_ablations(), list_scales())}


@pytest.mark.parametrize("name", CASES)
def test_the_resolved_diff_is_the_reviewed_one(name: str) -> None:
    ablation, scale = CASES[name]
    text = diff_text(
        composed(experiment=ablation.base, scale=scale),
        composed(ablation=ablation.name, scale=scale),
    )
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("LYNX_WRITE_GOLDEN"):
        path.write_text(text)
    assert path.exists(), f"{path.name} is missing: `make golden` writes it, then review it"
    assert text == path.read_text(), "review the change, then `make golden`"


def test_no_golden_text_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(CASES)
