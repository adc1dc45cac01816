"""Finds the name that a person most likely meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

_ALIKE = 0.4  # share of the letters that two names have in common, in order


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The entry of `known` most like `name`, or None when none is like it.

    One that begins with `name` comes first. Of dotted keys the last word counts as much as the
    whole: people forget the path before they misspell it.
    """

    def likeness(candidate: str) -> tuple[float, float]:
        return (
            SequenceMatcher(None, name, candidate).ratio(),
            SequenceMatcher(None, _last(name), _last(candidate)).ratio(),
        )

    ordered = sorted(known)
    begun = [one for one in ordered if name and one.startswith(name)]
    found = max(begun or ordered, key=lambda one: sum(likeness(one)), default=None)
    return found if found in begun or (found and max(likeness(found)) >= _ALIKE) else None


def nearest_hint(name: str, known: Iterable[str]) -> str:
    """A sentence's end that names the nearest entry; empty when none is like it."""
    found = nearest(name, known)
    return f"; nearest is `{found}`" if found else ""


def _last(key: str) -> str:
    return key.rpartition(".")[2]
