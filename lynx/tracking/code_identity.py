"""The identity of the code that answers, so that tables can tell when it has changed."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

# What makes an answer out of a question; how it is judged and counted can be done again at once.
_ANSWERING = (
    "data",
    "model",
    "evaluation/asking.py",
    "evaluation/padding.py",
    "evaluation/plug_and_play.py",
    "evaluation/swap.py",
    "evaluation/without_picture.py",
)


@cache
def code_identity() -> str:
    """Twelve hex digits of the sources that have a say in an answer."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for part in _ANSWERING:
        whole = package / part
        for path in [whole] if whole.is_file() else sorted(whole.rglob("*.py")):
            digest.update(path.relative_to(package).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
