"""All that decides what the samples of a stage are and look like, so that a change can be named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from transformers import PreTrainedTokenizerBase

Identity = Mapping[str, str]
_MOST_NAMED = 5  # differences


def digest(value: Any) -> str:
    """Twelve hex digits of a JSON value."""
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:12]


def tokenizer_digest(tokenizer: PreTrainedTokenizerBase) -> str:
    """Twelve hex digits of how the tokenizer splits text, and of its special tokens."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        content: Any = sorted(tokenizer.get_vocab().items())
    else:
        content = json.loads(backend.to_str())
        for setting in ("truncation", "padding"):  # of the last call, not of the tokenizer
            content.pop(setting, None)
    return digest([content, tokenizer.bos_token_id, tokenizer.eos_token_id])


def fingerprint(identity: Identity) -> str:
    """Sixteen hex digits of the identity; the order of its keys, the sources', counts."""
    return hashlib.sha256(json.dumps(list(identity.items())).encode()).hexdigest()[:16]


def differences(before: Identity, now: Identity) -> Sequence[str]:
    """What has changed, one text per key; the order of sources counts as a key."""
    changed = [
        f"{key} was {before.get(key, 'not there')}, is {now.get(key, 'not there')}"
        for key in dict.fromkeys([*before, *now])
        if before.get(key) != now.get(key)
    ]
    if not changed and list(before) != list(now):
        changed = ["the order of the recipe's sources"]
    more = len(changed) - _MOST_NAMED
    return changed[:_MOST_NAMED] + ([f"and {more} more"] if more > 0 else [])
