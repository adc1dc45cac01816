"""The identity of the code that answers, so that tables can tell when it has changed."""

from __future__ import annotations

import ast
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
            digest.update(bare(path.read_text("utf-8")).encode())
    return digest.hexdigest()[:12]


def bare(source: str) -> str:
    """The code without comments, docstrings and layout, which answer nothing."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_text(body[0]):
            body[0] = ast.Pass()
    return ast.unparse(tree)


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
