"""Builds the judge that a configuration names."""

from __future__ import annotations

import os
from pathlib import Path

from lynx.config.errors import LynxError
from lynx.config.schema import JudgeConfig
from lynx.evaluation.judges.base import Judge
from lynx.evaluation.judges.openai_compatible import VERSION, OpenAICompatibleJudge
from lynx.evaluation.judges.rule import RuleJudge
from lynx.evaluation.judges.served import ServedModel

NO_KEY = "no-key-needed"  # the client refuses an empty one


def build_judge(
    config: JudgeConfig, *, cache_dir: Path, offline: bool = False, first_pause: float = 1.0
) -> Judge:
    """Make the judge; the replies of a served model are kept in `cache_dir`.

    offline: a served model isn't asked, and needs no key; all replies must be in `cache_dir`.
    """
    if config.name == RuleJudge.name:
        return RuleJudge()
    served = build_served_model(
        config, cache_dir=cache_dir, version=VERSION, offline=offline, first_pause=first_pause
    )
    return OpenAICompatibleJudge(served, repeats=config.repeats)


def build_served_model(
    config: JudgeConfig,
    *,
    cache_dir: Path,
    version: str,
    offline: bool = False,
    first_pause: float = 1.0,
) -> ServedModel:
    """Make the model that `config` names, without saying what it is asked.

    version: names the rule that makes requests and reads replies; part of their key. first_pause:
    seconds before the first retry; each further pause is twice as long.
    """
    if config.name.startswith("rule:"):
        raise LynxError(
            f"evaluation.judge.name: there is no rule '{config.name}'; the string rule is "
            f"'{RuleJudge.name}'"
        )
    api_key = os.environ.get(config.api_key_variable)
    if not api_key and config.base_url is None and not offline:
        raise LynxError(
            f"the judge '{config.name}' needs a key in the environment variable "
            f"{config.api_key_variable} (evaluation.judge.api_key_variable), or the address of a "
            f"server that needs none (evaluation.judge.base_url); '{RuleJudge.name}' needs neither"
        )
    return ServedModel(
        model=config.name,
        base_url=config.base_url,
        api_key=api_key or NO_KEY,
        cache_dir=cache_dir,
        version=version,
        temperature=config.temperature,
        max_reply_tokens=config.max_reply_tokens,
        max_retries=config.max_retries,
        concurrency=config.concurrency,
        timeout=config.timeout,
        budget=config.budget,
        input_price=config.input_price,
        output_price=config.output_price,
        offline=offline,
        first_pause=first_pause,
    )
