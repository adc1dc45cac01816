"""A served judge at a local server, with short pauses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lynx.config.schema import JudgeConfig
from lynx.evaluation.judges.build import build_served_model
from lynx.evaluation.judges.openai_compatible import VERSION
from lynx.evaluation.judges.served import Request, ServedModel
from tests.chat_server import Server, running_server

KEY = "sk-very/secret+0123456789"


@pytest.fixture
def server() -> Iterator[Server]:
    with running_server("Yes") as server:
        server.model = None
        yield server


@pytest.fixture
def config(server: Server, monkeypatch: pytest.MonkeyPatch) -> JudgeConfig:
    monkeypatch.setenv("A_KEY", KEY)
    return JudgeConfig(
        name="gpt-4", base_url=server.url, api_key_variable="A_KEY", max_retries=3, timeout=5.0
    )


@pytest.fixture
def build(config: JudgeConfig, tmp_path: Path) -> Callable[..., ServedModel]:
    """Makes the model; what is given replaces the configuration's."""
    from dataclasses import replace

    def make(*, offline: bool = False, **changes: Any) -> ServedModel:
        return build_served_model(
            replace(config, **changes), cache_dir=tmp_path / "judgements", version=VERSION,
            offline=offline, first_pause=0.01,
        )  # fmt: skip

    return make


def asking(*prompts: str, repeat: int = 0) -> list[Request]:
    """A request of one user message per prompt."""
    return [Request(({"role": "user", "content": prompt},), repeat) for prompt in prompts]
