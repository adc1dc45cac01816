"""Ratings as statistics need them: finished questions of each rater, by question and model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lynx.evaluation.people.store import RatingStore


@dataclass(frozen=True)
class Ratings:
    """Scores, and which questions hang together.

    A question counts for a rater once all of its answers are scored: a score says how an answer
    stands among the others.
    """

    benchmark: str
    models: tuple[str, ...]
    clusters: dict[str, str]  # question id -> its picture, which the questions of a dialogue share
    scores: dict[str, dict[str, dict[str, int]]]  # rater -> question id -> model -> 1 to 5
    num_unfinished: int = 0  # questions of which a rater has scored some answers

    @property
    def raters(self) -> tuple[str, ...]:
        """Everyone with a finished question."""
        return tuple(self.scores)

    def only(self, rater: str) -> Ratings:
        """The ratings of one rater."""
        return Ratings(
            self.benchmark, self.models, self.clusters, {rater: self.scores.get(rater, {})}
        )

    def pooled(self, model: str) -> dict[str, float]:
        """The model's score for each question: the mean over its raters, in the sheet's order."""
        return {
            question: sum(given) / len(given)
            for question in self.clusters
            if (
                given := [
                    scores[question][model]
                    for scores in self.scores.values()
                    if model in scores.get(question, {})
                ]
            )
        }

    def pooled_differences(self, model: str, other: str) -> dict[str, float]:
        """Model less other for each question, the mean over those who have scored both."""
        return {
            question: sum(given) / len(given)
            for question in self.clusters
            if (
                given := [
                    scores[question][model] - scores[question][other]
                    for scores in self.scores.values()
                    if {model, other} <= scores.get(question, {}).keys()
                ]
            )
        }


def ratings_of(store: RatingStore) -> Ratings:
    """The finished questions of a store."""
    sheet = store.sheet
    finished: dict[str, dict[str, dict[str, int]]] = {}
    num_unfinished = 0
    for rater in store.raters():
        scores = store.scores_of(rater)
        complete = {
            item.id: scores[item.id]
            for item in sheet.items
            if _is_complete(scores.get(item.id, {}), item.answers)
        }
        num_unfinished += len(scores) - len(complete)
        if complete:
            finished[rater] = complete
    return Ratings(
        benchmark=sheet.benchmark,
        models=sheet.models,
        clusters={item.id: item.picture for item in sheet.items},
        scores=finished,
        num_unfinished=num_unfinished,
    )


def _is_complete(scores: Mapping[str, int], answers: Mapping[str, str]) -> bool:
    return len(scores) == len(answers) > 0
