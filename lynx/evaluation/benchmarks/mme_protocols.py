"""The same MME answers under three rules: the official one, lmms-eval's and VLMEvalKit's.

The harnesses also ask differently (lmms-eval replaces "Please answer yes or no."); here only how
yes or no is taken from an answer differs. VLMEvalKit's is its "exact matching": it may give the
rest to a language model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from lynx.evaluation.benchmarks.mme_scoring import Label, Rule, official_label, points, total
from lynx.evaluation.benchmarks.mme_tasks import GROUPS, Row, missing_tasks, pairs_by_task

_PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'
_DIGITS_AROUND_COMMA = re.compile(r"\d,\d")
_FULL_STOP = re.compile(r"\.(?!\d)")
_MOST_FULL_STOPS = 32  # it passes a flag, whose value is 32, where re.sub takes a count


def lmms_eval_label(answer: str) -> Label:
    """lmms-eval's rule: the official one without blanks around and full stops; y and n count."""
    text = answer.lower().strip().replace(".", "")
    if len(text) == 1:
        return {"y": "yes", "n": "no"}.get(text, "other")  # type: ignore[return-value]
    return official_label(text)


def vlmevalkit_label(answer: str) -> Label:
    """VLMEvalKit's rule: the word yes or the word no anywhere, not both."""
    words = set(_without_punctuation(answer.lower()).split())
    if ("yes" in words) == ("no" in words):
        return "other"
    return "yes" if "yes" in words else "no"


def _without_punctuation(text: str) -> str:
    """Marks become blanks, but vanish where one stands beside a blank ("yes-no", "yes- no")."""
    has_number = _DIGITS_AROUND_COMMA.search(text) is not None
    result = text
    for mark in _PUNCTUATION:
        vanishes = has_number or f"{mark} " in text or f" {mark}" in text
        result = result.replace(mark, "" if vanishes else " ")
    return _FULL_STOP.sub("", result, count=_MOST_FULL_STOPS)


RULES: dict[str, Rule] = {
    "official": official_label,
    "lmms-eval": lmms_eval_label,
    "VLMEvalKit": vlmevalkit_label,
}


@dataclass(frozen=True)
class Disagreement:
    """An answer that the rules read differently."""

    task: str
    image: str
    question: str
    truth: str
    answer: str
    labels: dict[str, Label]  # by rule


@dataclass(frozen=True)
class ProtocolDiff:
    """Scores by rule, unrounded; a group is absent where none of its tasks is there."""

    tasks: dict[str, dict[str, float]]  # task, rule
    groups: dict[str, dict[str, float]]  # perception or cognition, rule
    disagreements: tuple[Disagreement, ...]
    num_questions: int
    missing: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The difference as plain mappings."""
        return asdict(self)


def protocol_diff(rows: Iterable[Row]) -> ProtocolDiff:
    """Score the same answers by each rule; raises LynxError as `score_mme` does."""
    by_task = pairs_by_task(rows)
    tasks = {
        task: {name: points(pairs, rule) for name, rule in RULES.items()}
        for task, pairs in by_task.items()
    }
    groups: dict[str, dict[str, float]] = {
        group: {
            name: total(tasks[task][name] for task in members if task in tasks) for name in RULES
        }
        for group, members in GROUPS.items()
        if any(task in tasks for task in members)
    }
    answered = [row for pairs in by_task.values() for pair in pairs for row in pair]
    return ProtocolDiff(
        tasks=tasks,
        groups=groups,
        disagreements=tuple(one for row in answered if (one := _disagreement(row)) is not None),
        num_questions=len(answered),
        missing=missing_tasks(tasks),
    )


def _disagreement(row: Row) -> Disagreement | None:
    labels = {name: rule(row.answer) for name, rule in RULES.items()}
    if len(set(labels.values())) == 1:
        return None
    return Disagreement(row.task, row.image, row.question, row.truth, row.answer, labels)
