"""The review of generated phrasings: written for a person, then taken over into the pool's file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lynx.config.errors import LynxError
from lynx.config.files import read_mapping, require_keys, shown
from lynx.config.paths import from_root
from lynx.config.prompt_pools import Generated, load_pool, load_pools, pool_path
from lynx.data.prompt_checks import problem
from lynx.data.prompt_file import add_generated
from lynx.data.prompt_list import listed
from lynx.data.prompt_replies import read_reply
from lynx.tracking.files import write_text_atomic

REVIEWS, REPLIES = "prompts_review", "replies"
_KEYS = ("pool", "run", "replies", "phrasings")
_HEAD = """\
# Phrasings that a language model wrote for the prompt pool `{pool}`. Read each, set `keep` to true
# or false, and change nothing else. Then: lynx prompts accept {path}
"""


@dataclass(frozen=True)
class Candidate:
    """A phrasing of a reply; reason: why it can't be kept, None where it may."""

    text: str
    reply: str  # key of the reply
    reason: str | None


@dataclass(frozen=True)
class Review:
    """What one run of `lynx prompts generate` found; replies: their keys in `<out_dir>/replies`."""

    pool: str
    run: str
    replies: tuple[str, ...]
    candidates: tuple[Candidate, ...]


def write_review(folder: Path, review: Review) -> Path:
    """Write `<folder>/prompts_review/<pool>.yaml`; LynxError where another review waits there."""
    path = folder / REVIEWS / f"{review.pool}.yaml"
    entries = [
        {"text": one.text, "keep": one.reason is None, "reply": one.reply}
        | ({} if one.reason is None else {"reason": one.reason})
        for one in review.candidates
    ]
    content = {"pool": review.pool, "run": review.run, "replies": list(review.replies)}
    body = yaml.safe_dump(
        content | {"phrasings": entries}, sort_keys=False, allow_unicode=True, width=10_000
    )
    text = _HEAD.format(pool=review.pool, path=shown(path)) + body
    if path.exists() and path.read_text("utf-8") != text:
        raise LynxError(
            f"{shown(path)}: this review is of another run, or a person has edited it; accept it "
            "with `lynx prompts accept`, then delete or move it, and generate again"
        )
    write_text_atomic(path, text)
    return path


def accept_review(review: str | Path) -> tuple[str, int]:
    """Add the phrasings with `keep: true` to their pool's file; the pool's name and how many.

    Each is checked again, and must stand in a reply that the run kept. LynxError, and nothing is
    written, where one fails or none is kept.
    """
    path = from_root(review)
    place = shown(path)
    content = require_keys(read_mapping(path), _KEYS, place)
    pool, others = load_pool(str(content["pool"])), load_pools().values()
    written = _written(content, path)
    wanted = _kept(content["phrasings"], place)
    accepted = {one.text for one in pool.generated if one.run == content["run"]}
    if wanted and accepted.issuperset(wanted):
        raise LynxError(
            f"{place}: was accepted already: {shown(pool_path(pool.name))} has what it keeps, "
            f"under `generated`; nothing is left to do"
        )
    chosen: list[Generated] = []
    for text in wanted:
        if text not in written:
            raise LynxError(
                f"{place}: {text!r} stands in no reply of the run; a text that a person has "
                f"changed belongs under `rich` in {shown(pool_path(pool.name))}"
            )
        reason = problem(text, pool, kept=[one.text for one in chosen], others=others)
        if reason is not None:
            raise LynxError(f"{place}: {text!r} {reason}; set its `keep` to false")
        chosen.append(written[text])
    if not chosen:
        raise LynxError(f"{place}: no phrasing has `keep: true`; there is nothing to accept")
    add_generated(pool_path(pool.name), pool.name, chosen)
    return pool.name, len(chosen)


def _written(content: Mapping[str, Any], path: Path) -> dict[str, Generated]:
    """What the run's replies hold, by text, with its provenance."""
    if not isinstance(content["run"], str):
        raise LynxError(f"{shown(path)}: `run` must be the name that was written there")
    if not isinstance(content["replies"], list):
        raise LynxError(f"{shown(path)}: `replies` must be the list that was written there")
    found: dict[str, Generated] = {}
    for key in content["replies"]:
        reply = read_reply(path.parent.parent / REPLIES, str(key))
        for text in listed(reply.text):
            found.setdefault(text, Generated(text, reply.model, reply.date, content["run"]))
    return found


def _kept(entries: Any, place: str) -> list[str]:
    if not isinstance(entries, list):
        raise LynxError(f"{place}: `phrasings` must be a list, not {entries!r}")
    kept = []
    for number, entry in enumerate(entries):
        where = f"{place}: phrasings[{number}]"
        if not isinstance(entry, Mapping) or not isinstance(entry.get("keep"), bool):
            raise LynxError(f"{where}: must be a mapping with `keep` true or false, not {entry!r}")
        # What is not kept may be anything: YAML takes the text 5e96 for a number.
        if entry["keep"]:
            if not isinstance(entry.get("text"), str):
                raise LynxError(f"{where}: must have its `text`, not {entry!r}")
            kept.append(entry["text"])
    return kept
