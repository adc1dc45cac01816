"""Fixtures of the data tests: a tiny catalog, and data modules that read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from lynx.data.build import build_data_module
from lynx.data.module import LynxDataModule
from tests.tiny import NUM_QUERIES, tiny_catalog, tiny_config, write_tokenizer


@pytest.fixture(scope="session")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return tiny_catalog(tmp_path_factory.mktemp("catalog"))


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> PreTrainedTokenizerBase:
    folder = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(folder)
    return AutoTokenizer.from_pretrained(folder)


@pytest.fixture
def make(catalog: dict[str, Path], tokenizer: PreTrainedTokenizerBase) -> Any:
    def build(
        stage: str = "instruct",
        *,
        rank: int = 0,
        world_size: int = 1,
        shards: dict[str, Path] | None = None,
        **changes: Any,
    ) -> LynxDataModule:
        """changes: of the stage; those of `data` as data__<key>."""
        dotted = {
            key.replace("__", ".") if "__" in key else f"stages.{stage}.{key}": value
            for key, value in changes.items()
        }
        return build_data_module(
            tiny_config(None, {"data.max_failures_per_source": 0.5, **dotted}),
            stage,
            catalog=shards or catalog,
            tokenizer=tokenizer,
            num_queries=NUM_QUERIES,
            rank=rank,
            world_size=world_size,
        )

    return build
