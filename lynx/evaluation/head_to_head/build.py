"""Builds the judge of two answers that a configuration names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lynx.config.errors import LynxError
from lynx.config.schema import JudgeConfig
from lynx.evaluation.head_to_head.overlap_rule import OverlapRule
from lynx.evaluation.head_to_head.pair_judges import PROMPT, PairJudge, ServedPairJudge
from lynx.evaluation.judges.build import build_served_model

LEAST_REPLY_TOKENS = 1024  # reasons come before the verdict; a cut reply has none


def build_pair_judge(
    config: JudgeConfig,
    *,
    cache_dir: Path,
    shows_reference: bool = False,
    offline: bool = False,
) -> PairJudge:
    """Make the judge; the replies of a served model are kept in `cache_dir`.

    `rule:v1`, which decides single answers, stands for the rule that decides between two. offline:
    a served model isn't asked; all replies must be in `cache_dir`.
    """
    if config.name in (OverlapRule.name, "rule:v1"):
        return OverlapRule()
    if config.name.startswith("rule:"):
        raise LynxError(
            f"no rule '{config.name}' decides between two answers; '{OverlapRule.name}' does"
        )
    roomy = replace(config, max_reply_tokens=max(config.max_reply_tokens, LEAST_REPLY_TOKENS))
    model = build_served_model(roomy, cache_dir=cache_dir, version=PROMPT, offline=offline)
    return ServedPairJudge(model, shows_reference=shows_reference)
