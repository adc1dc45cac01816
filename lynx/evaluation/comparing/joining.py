"""Joins runs on the same questions, and refuses those that were not asked or judged alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lynx.config.errors import LynxError
from lynx.evaluation.results import Prediction, Result, ResultFiles

# What two runs may differ in without asking in different ways.
_NOT_OF_THE_ASKING = {"key", "code", "checkpoint", "seed"}


def joined(files: Sequence[ResultFiles]) -> list[list[Result]]:
    """The judged answers of each folder, all to the same questions about the same pictures.

    Raises LynxError where the questions or the judges differ.
    """
    results = [file.results() for file in files]
    only_judge(files)
    refuse_other_questions(files, [[r.prediction for r in one] for one in results])
    return results


def only_judge(files: Sequence[ResultFiles]) -> str:
    """The judge of all the folders; raises LynxError where there are several."""
    judges = sorted({str((file.scores() or {})["judge"]) for file in files})
    if len(judges) > 1:
        raise LynxError(
            f"{files[0].directory.name} was judged by {' and by '.join(judges)}, which can't be "
            "compared: evaluate with one evaluation.judge.name"
        )
    return judges[0]


def refuse_other_questions(
    files: Sequence[ResultFiles], answers: Sequence[Sequence[Prediction]], *, pictures: bool = True
) -> None:
    """Raise LynxError where the folders don't hold answers to the same questions.

    pictures: whether the pictures must be the same too.
    """
    for file, own in zip(files, answers, strict=True):
        if len(own) != len(answers[0]):
            raise LynxError(
                f"{file.directory} holds {len(own)} questions, {files[0].directory} "
                f"{len(answers[0])}: evaluate both runs again with one "
                "evaluation.benchmarks.*.num_questions_per_class"
            )
        for first, one in zip(answers[0], own, strict=True):
            wrong = [key for key in _identity_keys(pictures) if _get(first, key) != _get(one, key)]
            if wrong:
                raise LynxError(
                    f"{file.directory} does not hold the questions of {files[0].directory}: "
                    f"question {first.id} has another {' and '.join(wrong)} there (id, category, "
                    "question, answer and picture must agree); evaluate both runs again"
                )


def protocol_differences(files: Sequence[ResultFiles]) -> tuple[str, ...]:
    """Keys of protocol.json in which the folders differ, those of the weights left out."""
    return tuple(differing_keys([file.protocol() or {} for file in files]))


def differing_keys(protocols: Sequence[Mapping[str, Any]]) -> list[str]:
    """Keys that say how was asked, and that are not the same in all the protocols."""
    keys = dict.fromkeys(key for protocol in protocols for key in protocol)
    return [
        key
        for key in keys
        if key not in _NOT_OF_THE_ASKING
        and any(p.get(key) != protocols[0].get(key) for p in protocols)
    ]


def _identity_keys(pictures: bool) -> tuple[str, ...]:
    return ("id", "category", "question", "answer", *(("picture",) if pictures else ()))


def _get(prediction: Prediction, key: str) -> str:
    return str(getattr(prediction, key))
