"""A tiny tokenizer, and no W&B unless a test asks for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lynx.evaluation import run as evaluation_run
from tests.tiny import write_tokenizer


@pytest.fixture
def tokenizer(tmp_path: Path) -> Any:
    write_tokenizer(tmp_path / "tokenizer")
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tmp_path / "tokenizer")


@pytest.fixture(autouse=True)
def without_wandb(monkeypatch: pytest.MonkeyPatch) -> None:
    """W&B takes seconds per run; one test has it."""
    monkeypatch.setattr(evaluation_run, "log_evaluation", lambda *_, **__: None)
