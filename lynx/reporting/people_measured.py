"""Reads people's ratings of OwlEval's answers, and who is preferred to whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lynx.evaluation.people.ratings import Ratings, ratings_of
from lynx.evaluation.people.statistics import MeanScore, Wins, mean_scores, wins
from lynx.evaluation.people.store import RatingStore
from lynx.reporting.evidence import relative
from lynx.reporting.grid import Cell, Kind

STORE = Path("people") / "owleval.sqlite"


@dataclass(frozen=True)
class People:
    """The ratings of one scale; output_dir: the folder of all runs."""

    path: Path
    output_dir: Path
    ratings: Ratings

    @cached_property
    def means(self) -> dict[str, MeanScore]:
        """Mean score by model, "<variant>/seed<k>"."""
        return {one.model: one for one in mean_scores(self.ratings)}

    @property
    def judge(self) -> str:
        """Who decided, as tables print it."""
        return f"people ({len(self.ratings.raters)})"

    def models(self, variant: str, seeds: Sequence[int] | None) -> list[str]:
        """Rated models of a variant, one per seed; seeds None: all."""
        return [
            model
            for model in self.ratings.models
            if model.partition("/")[0] == variant
            and (seeds is None or _seed(model) is None or _seed(model) in seeds)
        ]

    def wins(self, model: str, other: str) -> Wins:
        """How often people preferred `model` to `other`."""
        return wins(self.ratings, model, other)

    def cell(
        self,
        text: str,
        *,
        kind: Kind = "measured",
        value: float | None = None,
        low: float | None = None,
        high: float | None = None,
    ) -> Cell:
        """A cell of a figure that comes from the ratings."""
        source = relative(self.path, self.output_dir)
        return Cell(text, kind, (source,), value=value, low=low, high=high)


def people(output_dir: Path, scale_dir: Path) -> People | None:
    """The ratings of a scale; None where nobody has finished a question."""
    path = scale_dir / STORE
    if not path.is_file():
        return None
    store = RatingStore(path)
    try:
        ratings = ratings_of(store)
    finally:
        store.close()
    return People(path, output_dir, ratings) if ratings.raters else None


def _seed(model: str) -> int | None:
    digits = model.partition("/")[2].removeprefix("seed")
    return int(digits) if digits.isdigit() else None
