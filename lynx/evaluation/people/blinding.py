"""In which order a rater sees the answers to a question: drawn once, the same whenever asked."""

from __future__ import annotations

from collections.abc import Sequence

from lynx.config.seeds import python_random


def shown_order(
    models: Sequence[str], *, seed: int, benchmark: str, rater: str, question_id: str
) -> list[str]:
    """The models in the order of their answers on the rater's page.

    Of the named stream of the rater and the question: no model has a place of its own, and who
    comes back finds the answers where they were.
    """
    order = sorted(models)
    python_random(seed, "rating", benchmark, rater.casefold(), question_id).shuffle(order)
    return order
