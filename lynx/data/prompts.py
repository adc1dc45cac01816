"""Prompt pools, for the code that draws from them; `lynx.config.prompt_pools` reads them."""

from lynx.config.prompt_pools import (
    PROMPTS,
    Choice,
    Generated,
    Origin,
    PromptPool,
    Words,
    load_pool,
    load_pools,
)

__all__ = [
    "PROMPTS",
    "Choice",
    "Generated",
    "Origin",
    "PromptPool",
    "Words",
    "load_pool",
    "load_pools",
]
