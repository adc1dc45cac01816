"""Counts verdicts by category, beside what is reached without the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lynx.evaluation.baselines import majority_share
from lynx.evaluation.questions import Question
from lynx.evaluation.results import Result
from lynx.evaluation.statistics import wilson


@dataclass(frozen=True)
class Score:
    """Of one category or of all: shares are of all n questions (1.0 = all)."""

    n: int
    correct: int
    unparseable: int  # verdicts that were neither yes nor no; counted as wrong
    accuracy: float
    low: float  # Wilson's 95 % interval
    high: float
    majority: float  # for one who always gives the category's most frequent answer
    blind: float | None  # the same model with swapped pictures; None where not asked
    mean_words: float  # of the predictions


@dataclass(frozen=True)
class Scores:
    """scores.json of one benchmark."""

    benchmark: str
    is_blind: bool
    judge: str  # who decided
    decoding: str  # row of Table 9
    seed: int
    key: str  # of the protocol and the judge
    overall: Score
    categories: dict[str, Score]

    def as_json(self) -> dict[str, Any]:
        """The content of scores.json."""
        return asdict(self)

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> Scores:
        """Read scores.json."""
        categories = {name: Score(**score) for name, score in content["categories"].items()}
        overall = Score(**content["overall"])
        return Scores(**{**content, "overall": overall, "categories": categories})


def count(
    results: Sequence[Result], questions: Sequence[Question], *, blind: Scores | None
) -> tuple[Score, dict[str, Score]]:
    """Overall score and the score of each category, in the questions' order."""
    categories: dict[str, Score] = {}
    for name in dict.fromkeys(question.category for question in questions):
        categories[name] = _score(
            [r for r in results if r.prediction.category == name],
            [q for q in questions if q.category == name],
            blind=None if blind is None else blind.categories[name].accuracy,
        )
    overall = _score(results, questions, blind=None if blind is None else blind.overall.accuracy)
    return overall, categories


def _score(
    results: Sequence[Result], questions: Sequence[Question], *, blind: float | None
) -> Score:
    n, correct = len(results), sum(result.correct is True for result in results)
    interval = wilson(correct, n)
    return Score(
        n=n,
        correct=correct,
        unparseable=sum(result.correct is None for result in results),
        accuracy=correct / n,
        low=interval.low,
        high=interval.high,
        majority=majority_share(questions),
        blind=blind,
        mean_words=sum(len(result.prediction.prediction.split()) for result in results) / n,
    )
