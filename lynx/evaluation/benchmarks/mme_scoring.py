"""MME's official score, with its interval and what chance gives, and the ranks of Table 11."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any, Literal

import numpy as np

from lynx.config.errors import LynxError
from lynx.evaluation.benchmarks.mme_chance import Chance, sum_chance, task_chance
from lynx.evaluation.benchmarks.mme_tasks import (
    GROUPS,
    Group,
    Row,
    image_name,
    missing_tasks,
    pairs_by_task,
)
from lynx.evaluation.statistics import Z95

Label = Literal["yes", "no", "other"]
Rule = Callable[[str], Label]
Pairs = list[tuple[Row, Row]]
_MAX = 200.0  # of a task: 100 of accuracy and 100 of accuracy+
_PREFIX = 4  # characters of the answer that the official rule looks at


def official_label(answer: str) -> Label:
    """The rule of MME's script: "yes", else "no", anywhere in the first four characters.

    It looks at the raw answer, so that "not sure" and "know" say no, and "The answer is yes" and
    "**Yes**" say neither.
    """
    start = answer.lower()[:_PREFIX]
    if "yes" in start:
        return "yes"
    return "no" if "no" in start else "other"


@dataclass(frozen=True)
class TaskScore:
    """Of one task. Shares are of 1; scores are points, 0 to 200, unrounded."""

    num_images: int
    num_questions: int
    accuracy: float  # share of questions right; one that says neither yes nor no is wrong
    accuracy_plus: float  # share of pictures with both questions right
    score: float  # 100 accuracy + 100 accuracy+
    low: float  # 95 % interval, over pictures
    high: float
    other_rate: float  # share of answers that say neither yes nor no
    yes_rate: float  # share of answers that say yes
    always_yes: float  # what "yes" to every question gets; 50 with a yes and a no per picture
    always_no: float
    chance: Chance  # what a random guesser gets

    @property
    def is_within_chance(self) -> bool:
        """Whether a random guesser would not be surprised by the score."""
        return self.chance.low <= self.score <= self.chance.high


@dataclass(frozen=True)
class SumScore:
    """Perception or cognition: the sum of the unrounded scores of the tasks that are there."""

    score: float
    max: float  # 2000 and 800 where no task is missing
    low: float
    high: float
    chance: Chance
    tasks: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class MmeReport:
    """All scores of one set of answers; a group none of whose tasks is there is None."""

    rule: str  # that took yes or no from the answers
    tasks: dict[str, TaskScore]
    perception: SumScore | None
    cognition: SumScore | None
    other_rate: float  # of all questions
    missing: tuple[str, ...]  # tasks that are not there

    def as_json(self) -> dict[str, Any]:
        """The report as plain mappings."""
        return asdict(self)


def score_mme(
    rows: Iterable[Row], *, rule: Rule = official_label, rule_name: str = "official"
) -> MmeReport:
    """Score answered questions, paired by the picture's name; tasks may be missing.

    Equals the official script to the last digit where that runs. Raises LynxError where there is
    nothing to score or a picture hasn't two questions.
    """
    by_task = pairs_by_task(rows)
    if not by_task:
        raise LynxError("no answers to score: MME's questions belong to a task each")
    tasks = {task: _task_score(pairs, rule) for task, pairs in by_task.items()}
    others = math.fsum(one.other_rate * one.num_questions for one in tasks.values())
    return MmeReport(
        rule=rule_name,
        tasks=tasks,
        perception=_sum_score("perception", tasks, by_task, rule),
        cognition=_sum_score("cognition", tasks, by_task, rule),
        other_rate=others / sum(one.num_questions for one in tasks.values()),
        missing=missing_tasks(tasks),
    )


def ranks(scores: Mapping[str, float]) -> dict[str, int]:
    """Rank of each model, 1 for the highest score, as the paper's Table 11 has them.

    Of equal scores the model that stands first in `scores`, the column order, ranks first.
    """
    ordered = sorted(scores, key=lambda model: -scores[model])  # stable
    return {model: ordered.index(model) + 1 for model in scores}


def points(pairs: Pairs, rule: Rule) -> float:
    """The official score of one task: in the official order of operations, for the last digit."""
    right = [_num_right(pair, rule) for pair in pairs]
    return sum(right) / (2 * len(pairs)) * 100 + right.count(2) / len(pairs) * 100


def total(scores: Iterable[float]) -> float:
    """The official sum. Not sum() or fsum(): from Python 3.12 on neither rounds as the script."""
    result = 0.0
    for score in scores:
        result += score
    return result


def _num_right(pair: tuple[Row, Row], rule: Rule) -> int:
    return sum(rule(row.answer) == row.truth for row in pair)


def _task_score(pairs: Pairs, rule: Rule) -> TaskScore:
    num_images, num_questions = len(pairs), 2 * len(pairs)
    right = [_num_right(pair, rule) for pair in pairs]
    labels = [rule(row.answer) for pair in pairs for row in pair]
    score = points(pairs, rule)
    low, high = _interval(_by_picture(pairs, rule), score)
    return TaskScore(
        num_images=num_images,
        num_questions=num_questions,
        accuracy=sum(right) / num_questions,
        accuracy_plus=right.count(2) / num_images,
        score=score,
        low=low,
        high=high,
        other_rate=labels.count("other") / num_questions,
        yes_rate=labels.count("yes") / num_questions,
        always_yes=points(pairs, lambda _: "yes"),
        always_no=points(pairs, lambda _: "no"),
        chance=task_chance(num_images),
    )


def _by_picture(pairs: Pairs, rule: Rule) -> np.ndarray:
    """Points (num_images,) of each picture, whose mean is the task's score: 0, 50 or 200."""
    return np.array([(0.0, 50.0, _MAX)[_num_right(pair, rule)] for pair in pairs])


def _interval(values: np.ndarray, score: float) -> tuple[float, float]:
    """95 % interval of a mean of points per picture; it holds `score`.

    Agresti and Coull's: Wald's with z^2 invented pictures, half of them all right and half all
    wrong. A bootstrap of 20 pictures that are all right would say 200 +- 0.
    """
    num_invented = Z95**2 / 2  # of either sort
    n = len(values) + 2 * num_invented
    centre = (values.sum() + num_invented * _MAX) / n
    squares = ((values - centre) ** 2).sum()
    squares += num_invented * (centre**2 + (_MAX - centre) ** 2)
    half = Z95 * math.sqrt(squares) / n
    low, high = max(0.0, centre - half), min(_MAX, centre + half)
    return float(min(low, score)), float(max(high, score))


def _sum_score(
    group: Group, tasks: Mapping[str, TaskScore], by_task: Mapping[str, Pairs], rule: Rule
) -> SumScore | None:
    """The group's sum; its interval is put together from those of its tasks (MOVER).

    Zou and Donner (2008): the distance of each bound is the root of the sum of squared distances of
    the tasks' bounds; with a correlation where two tasks ask about the same pictures.
    """
    present = [task for task in GROUPS[group] if task in tasks]
    if not present:
        return None
    scores = [tasks[task] for task in present]
    score = total(one.score for one in scores)
    correlation = _correlations([by_task[task] for task in present], rule)
    below = np.array([one.score - one.low for one in scores])
    above = np.array([one.high - one.score for one in scores])
    most = _MAX * len(present)
    return SumScore(
        score=score,
        max=most,
        low=max(0.0, score - math.sqrt(max(0.0, below @ correlation @ below))),
        high=min(most, score + math.sqrt(max(0.0, above @ correlation @ above))),
        chance=sum_chance(tuple(one.num_images for one in scores)),
        tasks=tuple(present),
        missing=tuple(task for task in GROUPS[group] if task not in tasks),
    )


def _correlations(tasks: list[Pairs], rule: Rule) -> np.ndarray:
    """Correlation (tasks, tasks) of the tasks' scores, through pictures that they share."""
    names = [
        [row.picture or image_name(row.task, row.image) for row, _ in pairs] for pairs in tasks
    ]
    column = {name: place for place, name in enumerate(dict.fromkeys(chain.from_iterable(names)))}
    deviations = np.zeros((len(tasks), len(column)))
    for of_task, pairs, pictures in zip(deviations, tasks, names, strict=True):
        values = _by_picture(pairs, rule)
        np.add.at(of_task, [column[name] for name in pictures], values - values.mean())
    # Sums of products, not covariances of means: what they lack to those, a correlation is free of.
    products = deviations @ deviations.T
    sd = np.sqrt(np.diag(products))
    sd[sd == 0] = np.inf  # a constant task is correlated with no other
    correlation = products / np.outer(sd, sd)
    np.fill_diagonal(correlation, 1.0)
    return correlation
