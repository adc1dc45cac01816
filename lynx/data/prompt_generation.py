"""Writes more phrasings with the paper's meta prompt (2.2), for a person to review."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from lynx.config.errors import LynxError
from lynx.config.paths import from_root
from lynx.config.prompt_pools import PromptPool, load_pool, load_pools
from lynx.config.seeds import python_random
from lynx.data.prompt_checks import problem
from lynx.data.prompt_list import listed
from lynx.data.prompt_replies import RepliesOnDisk, Reply
from lynx.data.prompt_review import REPLIES, Candidate, Review, write_review

# Paper 2.2, word for word.
META_PROMPT = (
    "Here are some instructions that define a visual-language task. Continue to write 15 "
    "instructions with the same meaning: 1) PROMPT1; 2) PROMPT2; 3) PROMPT3;"
)
NUM_SHOWN = 3  # phrasings in the meta prompt


def generate_prompts(
    pool_name: str,
    *,
    model: str,
    base_url: str | None = None,
    calls: int = 1,
    seed: int = 0,
    out_dir: str | Path = ".cache/lynx/prompts",
) -> Path:
    """Ask `calls` times for 15 phrasings each; the path of the review that a person edits.

    base_url: of an OpenAI-compatible server; None for OpenAI. A call that was made before is read
    from `<out_dir>/replies`. LynxError: unknown pool, fewer than three hand-written phrasings, the
    server fails, no reply has a numbered list, or a review of this pool waits to be accepted.
    """
    if calls < 1:
        raise LynxError(f"--calls: {calls} is not at least 1")
    pool, folder = load_pool(pool_name), from_root(out_dir)
    server = RepliesOnDisk(folder / REPLIES, model=model, base_url=base_url)
    replies = [
        server.reply(meta_prompt(pool, seed=seed, call=call), seed=seed, call=call)
        for call in range(calls)
    ]
    digest = hashlib.sha256("".join(reply.key for reply in replies).encode()).hexdigest()
    review = Review(
        pool=pool.name,
        run=f"run_{digest[:12]}",  # a name: YAML takes digits alone, or 5e96, for a number
        replies=tuple(reply.key for reply in replies),
        candidates=tuple(_candidates(pool, replies, folder)),
    )
    return write_review(folder, review)


def meta_prompt(pool: PromptPool, *, seed: int, call: int) -> str:
    """The paper's meta prompt with three hand-written phrasings of the pool, drawn per call."""
    if len(pool.hand_written) < NUM_SHOWN:
        raise LynxError(
            f"the pool `{pool.name}` has {len(pool.hand_written)} hand-written phrasing(s); the "
            f"meta prompt shows {NUM_SHOWN}: add some under `rich`, or choose another pool"
        )
    rng = python_random(seed, "prompt_generation", pool.name, call)
    shown = rng.sample(pool.hand_written, NUM_SHOWN)
    return re.sub(r"PROMPT(\d)", lambda match: shown[int(match[1]) - 1], META_PROMPT)


def _candidates(pool: PromptPool, replies: Sequence[Reply], folder: Path) -> list[Candidate]:
    """Each entry of each reply, with the reason why it should not be kept."""
    found: list[Candidate] = []
    kept: list[str] = []
    others = load_pools().values()
    for reply in replies:
        for text in listed(reply.text):
            reason = problem(text, pool, kept=kept, others=others)
            found.append(Candidate(text, reply.key, reason))
            if reason is None:
                kept.append(text)
    if not found:
        raise LynxError(
            f"no reply has a numbered list; the first begins {replies[0].text[:100]!r}. All lie in "
            f"{folder / REPLIES}; another --seed or --model asks anew"
        )
    return found
