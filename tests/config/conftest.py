"""A copy of the repository's YAML folders that a test may break."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lynx.config.paths import repository_root


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository root with the real experiments, ablations and recipes, in a temporary folder."""
    source = repository_root()
    for folder in ("experiments", "ablations", "data_recipes"):
        shutil.copytree(source / folder, tmp_path / folder)
    monkeypatch.setenv("LYNX_ROOT", str(tmp_path))
    return tmp_path


@pytest.fixture
def write_ablation(root: Path) -> Callable[..., str]:
    """Writes an ablation of `lynx` with the given diff (YAML lines) and returns its name."""

    def write(diff: str, *, name: str = "tried") -> str:
        lines = "".join(f"  {line.strip()}\n" for line in diff.splitlines() if line.strip())
        text = f"base: lynx\npaper: {{table: 5, row: none}}\nquestion: Does it?\ndiff:\n{lines}"
        (root / "ablations" / f"{name}.yaml").write_text(text)
        return name

    return write
