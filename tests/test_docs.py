"""The documents name files that exist, and the paper map leaves no floor out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lynx.config.paths import repository_root

FOLDERS = ("lynx", "experiments", "ablations", "data_recipes", "tests", "docs", "backbones")
DOCUMENTS = sorted((repository_root() / "docs").glob("*.md"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_path_that_a_document_names_exists(document: Path) -> None:
    named = re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]*)`", document.read_text())
    missing = [path for path in named if not (repository_root() / path).exists()]
    assert missing == []


def test_every_ablation_stands_in_the_paper_map() -> None:
    text = (repository_root() / "docs" / "paper_map.md").read_text()
    for path in (repository_root() / "ablations").glob("*.yaml"):
        assert f"ablations/{path.name}" in text
