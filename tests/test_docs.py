"""The documents name files that exist, and the paper map leaves no floor out."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from lynx.config.paths import repository_root
from lynx.data.prompt_counts import describe_pools
from lynx.data.source_table import source_table

FOLDERS = ("lynx", "experiments", "ablations", "data_recipes", "tests", "docs", "backbones")
DOCUMENTS = [
    *sorted((repository_root() / "docs").glob("*.md")),
    repository_root() / "data_recipes" / "README.md",
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_path_that_a_document_names_exists(document: Path) -> None:
    named = re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]*)`", document.read_text())
    missing = [path for path in named if not (repository_root() / path).exists()]
    assert missing == []


def test_every_ablation_stands_in_the_paper_map() -> None:
    text = (repository_root() / "docs" / "paper_map.md").read_text()
    for path in (repository_root() / "ablations").glob("*.yaml"):
        assert f"ablations/{path.name}" in text


@pytest.mark.parametrize(
    ("mark", "content"),
    [("sources", source_table), ("prompts", lambda: f"```\n{describe_pools()}\n```")],
)
def test_the_tables_of_the_data_recipes_are_what_the_files_say(
    mark: str, content: Callable[[], str]
) -> None:
    """`make golden` writes them anew."""
    path = repository_root() / "data_recipes" / "README.md"
    head, rest = path.read_text().split(f"<!-- {mark} -->\n")
    inside, tail = rest.split(f"<!-- /{mark} -->")
    if os.environ.get("LYNX_WRITE_GOLDEN"):
        path.write_text(f"{head}<!-- {mark} -->\n{content()}\n<!-- /{mark} -->{tail}")
        inside = f"{content()}\n"
    assert inside == f"{content()}\n", "`make golden` writes it, then review it"
