"""Decides who is right, in the way of each benchmark, and counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lynx.evaluation.benchmarks import mme
from lynx.evaluation.benchmarks.mme_scoring import official_label
from lynx.evaluation.judges.base import Claim, Judge, Verdict
from lynx.evaluation.lengths import lengths_of
from lynx.evaluation.questions import Question
from lynx.evaluation.results import Prediction, Result, ResultFiles
from lynx.evaluation.scores import Score, Scores, count

UNJUDGED = ("owleval", "visit_bench")  # formats of which no judge can decide on one run alone
NO_JUDGE = "none"
MME_RULE = "mme:official"


def score(
    files: ResultFiles,
    questions: Sequence[Question],
    *,
    protocol: Mapping[str, Any],
    judge: Judge,
    without: Mapping[str, Scores],
) -> Scores:
    """Judge the predictions in `files`, and write verdicts.jsonl and scores.json.

    protocol: what protocol.json holds. without: scores by what stood for the pictures.
    """
    predictions = files.predictions()
    name, verdicts = decided(protocol["format"], predictions, judge)
    overall: Score | None = None
    categories: dict[str, Score] = {}
    if verdicts is not None:
        files.write_verdicts(verdict_rows(predictions, verdicts))
        results = [Result(p, v.correct) for p, v in zip(predictions, verdicts, strict=True)]
        overall, categories = count(results, questions, without=without)
    scores = Scores(
        benchmark=protocol["benchmark"],
        format=protocol["format"],
        vision=protocol["vision"],
        judge=name,
        decoding=protocol["decoding"]["row"],
        seed=protocol["seed"],
        key=f"{protocol['key']}/{name}",
        lengths=lengths_of(predictions),
        overall=overall,
        categories=categories,
        details=mme.details(predictions) if protocol["format"] == "mme" else {},
    )
    files.write_scores(scores.as_json())
    return scores


def decided(
    format_: str, predictions: Sequence[Prediction], judge: Judge
) -> tuple[str, list[Verdict] | None]:
    """Who decided, and the verdicts; None where nobody can on one run alone.

    MME's own rule decides about MME, whoever the judge is.
    """
    if format_ in UNJUDGED:
        return NO_JUDGE, None
    if format_ == "mme":
        return MME_RULE, [
            Verdict(mme.is_correct(p), official_label(p.prediction)) for p in predictions
        ]
    claims = [Claim(p.question, p.prediction, p.answer) for p in predictions]
    return judge.name, judge.judge(claims)


def verdict_rows(
    predictions: Sequence[Prediction], verdicts: Sequence[Verdict]
) -> list[dict[str, Any]]:
    """Rows of verdicts.jsonl; `repeats` where a claim was judged more than once."""
    return [
        {"id": p.id, "correct": v.correct, "reply": v.reply}
        | ({"repeats": list(v.repeats)} if v.repeats else {})
        for p, v in zip(predictions, verdicts, strict=True)
    ]
