"""Builds the judge that a configuration names."""

from __future__ import annotations

import os
from pathlib import Path

from lynx.config.errors import LynxError
from lynx.config.schema import JudgeConfig
from lynx.evaluation.judges.base import Judge
from lynx.evaluation.judges.openai_compatible import OpenAICompatibleJudge
from lynx.evaluation.judges.rule import RuleJudge

NO_KEY = "no-key-needed"  # the client refuses an empty one


def build_judge(config: JudgeConfig, *, cache_dir: Path) -> Judge:
    """Make the judge; replies of a served model are kept in `<cache_dir>/judgements`."""
    if config.name == RuleJudge.name:
        return RuleJudge()
    if config.name.startswith("rule:"):
        raise LynxError(
            f"evaluation.judge.name: no rule '{config.name}'; the string rule is '{RuleJudge.name}'"
        )
    api_key = os.environ.get(config.api_key_variable)
    if api_key is None and config.base_url is None:
        raise LynxError(
            f"the judge '{config.name}' needs a key in the environment variable "
            f"{config.api_key_variable} (evaluation.judge.api_key_variable), or the address of a "
            f"server that needs none (evaluation.judge.base_url); '{RuleJudge.name}' needs neither"
        )
    return OpenAICompatibleJudge(
        model=config.name,
        base_url=config.base_url,
        api_key=api_key or NO_KEY,
        temperature=config.temperature,
        max_retries=config.max_retries,
        concurrency=config.concurrency,
        cache_dir=cache_dir / "judgements",
    )
