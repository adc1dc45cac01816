"""Counts verdicts by category, beside what is reached without the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lynx.evaluation.lengths import Length, Lengths
from lynx.evaluation.questions import Question
from lynx.evaluation.results import Result
from lynx.evaluation.statistics import wilson
from lynx.evaluation.without_picture import always_yes_share, majority_share


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
    always_yes: float | None  # for one who always says yes; None where yes is never right
    without_vision: dict[str, float]  # accuracy by what stood for the pictures, where asked
    mean_words: float  # of the predictions


@dataclass(frozen=True)
class Scores:
    """scores.json of one benchmark.

    overall is None, and categories are empty, where no judge can decide on one run alone
    (OwlEval, VisIT-Bench). details: what only this format has, such as MME's official scores.
    """

    benchmark: str
    format: str
    vision: str  # "shown", or what stood for the pictures
    judge: str  # who decided; "none" where nobody did
    decoding: str  # row of Table 9
    seed: int
    key: str  # of the protocol and the judge
    lengths: Lengths
    overall: Score | None
    categories: dict[str, Score]
    details: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """The content of scores.json."""
        return asdict(self)

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> Scores:
        """Read scores.json."""
        categories = {name: Score(**score) for name, score in content["categories"].items()}
        overall = content["overall"] and Score(**content["overall"])
        lengths = _lengths(content["lengths"])
        return Scores(
            **{**content, "overall": overall, "categories": categories, "lengths": lengths}
        )


def count(
    results: Sequence[Result], questions: Sequence[Question], *, without: Mapping[str, Scores]
) -> tuple[Score, dict[str, Score]]:
    """Overall score and the score of each category, in the questions' order.

    without: scores of the same questions by what stood for their pictures.
    """
    categories: dict[str, Score] = {}
    for name in dict.fromkeys(question.category for question in questions):
        categories[name] = _score(
            [r for r in results if r.prediction.category == name],
            [q for q in questions if q.category == name],
            {vision: scores.categories[name].accuracy for vision, scores in without.items()},
        )
    shares = {v: scores.overall.accuracy for v, scores in without.items() if scores.overall}
    return _score(results, questions, shares), categories


def _score(
    results: Sequence[Result], questions: Sequence[Question], without: dict[str, float]
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
        always_yes=always_yes_share(questions),
        without_vision=without,
        mean_words=sum(len(result.prediction.prediction.split()) for result in results) / n,
    )


def _lengths(content: Mapping[str, Any]) -> Lengths:
    units = ("words", "characters", "tokens")
    found = {unit: content[unit] and Length(**content[unit]) for unit in units}
    return Lengths(n=content["n"], empty=content["empty"], **found)
