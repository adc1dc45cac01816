"""Builds the world's benchmarks once, deterministically, into the world's cache folder."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from lynx.tracking.files import write_text_atomic
from lynx.world import build as world
from lynx.world.evaluation import from_json_lines, to_json_lines

_OPEN_VQA = ("image", "video")


@cache
def fingerprint() -> str:
    """Twelve hex digits of this package's code.

    It is apart from that of the world: what is asked of the world doesn't change what is learned.
    """
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def questions(name: str, cache_dir: str | Path) -> list[dict[str, Any]]:
    """A benchmark's questions, as dicts of Question's fields but `index`; images are PNG.

    name: "image" or "video" (Open-VQA's classes), or a module of this package.
    """
    if name in _OPEN_VQA:
        return world.evaluation_questions(name, cache_dir)  # type: ignore[arg-type]
    folder = Path(cache_dir) / f"world-{world.fingerprint()}"
    path = folder / f"{name}-{fingerprint()}.jsonl"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = import_module(f"lynx.world.benchmarks.{name}").draw()
        write_text_atomic(path, to_json_lines(rows))
    return from_json_lines(path)
