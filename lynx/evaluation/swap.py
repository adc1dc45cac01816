"""Deals pictures out again, so that nobody keeps the picture that it has."""

from __future__ import annotations

import random
from collections.abc import Sequence

from lynx.config.errors import LynxError


def donors(pictures: Sequence[str], places: Sequence[int], rng: random.Random) -> list[int]:
    """For each of `places` the place whose picture it gets, never one with an equal picture.

    pictures: the content of each place's picture, by name. The pictures of `places` are dealt out
    again, each as often as before. Where that is impossible, because one has more than half of
    them, they are drawn from all `pictures`. Raises LynxError if these are all equal.
    """
    groups: dict[str, list[int]] = {}
    for place in places:
        groups.setdefault(pictures[place], []).append(place)
    shuffled = list(groups.values())
    rng.shuffle(shuffled)
    # With equal pictures side by side, a shift by the largest group meets no equal picture.
    order = [place for group in shuffled for place in group]
    shift = max(len(group) for group in shuffled)
    if 2 * shift <= len(order):
        donor_of = {place: order[(i + shift) % len(order)] for i, place in enumerate(order)}
        return [donor_of[place] for place in places]
    return [_anyone_else(pictures, place, rng.random()) for place in places]


def _anyone_else(pictures: Sequence[str], place: int, draw: float) -> int:
    others = [i for i, picture in enumerate(pictures) if picture != pictures[place]]
    if not others:
        raise LynxError(f"{len(pictures)} times the same picture: there is none to swap it for")
    return others[int(draw * len(others))]
