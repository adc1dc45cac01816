"""Finds the name that a person most likely meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The entry of `known` most like `name`, or None when there is none.

    Of dotted keys the last word counts as much as the whole: people forget the path before they
    misspell it.
    """

    def likeness(candidate: str) -> float:
        whole = SequenceMatcher(None, name, candidate).ratio()
        return whole + SequenceMatcher(None, _last(name), _last(candidate)).ratio()

    return max(sorted(known), key=likeness, default=None)


def nearest_hint(name: str, known: Iterable[str]) -> str:
    """A sentence's end that names the nearest entry; empty when nothing is known."""
    found = nearest(name, known)
    return f"; nearest is `{found}`" if found else ""


def _last(key: str) -> str:
    return key.rpartition(".")[2]
