"""Compares two runs on MME as it is scored: by image, in the units of the official score."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lynx.config.errors import LynxError
from lynx.evaluation.benchmarks.mme_tasks import GROUPS
from lynx.evaluation.comparing.pairs import Paired, paired
from lynx.evaluation.results import Prediction, Result
from lynx.evaluation.statistics import Difference, Interval, paired_difference

_MOST = 200.0  # points of a task


@dataclass(frozen=True)
class ScorePair:
    """The official score of two runs on a task (0 to 200), or on a sum of tasks."""

    num_images: int
    base: float
    other: float
    interval: Interval  # of other minus base, in points of the score, over images
    both_right: Paired  # images with both questions right: accuracy+, with its tests

    @property
    def difference(self) -> float:
        """Points of the score, other minus base."""
        return self.other - self.base


def compare_scores(
    results: Sequence[tuple[Sequence[Result], Sequence[Result]]], *, benchmark: str
) -> dict[str, ScorePair]:
    """By task, then "perception" and "cognition" where all their tasks were asked.

    results: (base, other) by seed; scores are means over the seeds. A task's score is 100 times its
    accuracy over questions plus 100 times that over images, so a mean over images of what each
    gives; its interval is `paired_difference`'s, of images, and a sum's is put together from those
    of its tasks (MOVER). Raises LynxError where an image has one question alone.
    """
    images = _images([result.prediction for result in results[0][0]], benchmark)
    scores, counted = {}, {}
    for task, places in images.items():
        counted[task] = [
            ([_image(b, two) for two in places], [_image(o, two) for two in places])
            for b, o in results
        ]
        gives = [[_gives(one, places) for one in pair] for pair in results]
        scores[task] = np.mean(gives, axis=0)  # (2, images): base and other
    pairs = {
        task: _pair([task], scores, counted, stream=(benchmark, "images", task)) for task in scores
    }
    for name, tasks in GROUPS.items():
        if all(task in scores for task in tasks):
            pairs[name] = _pair(tasks, scores, counted, stream=(benchmark, "images", name))
    return pairs


def _pair(
    tasks: Sequence[str],
    scores: Mapping[str, NDArray[np.float64]],
    counted: Mapping[str, list[tuple[list[Result], list[Result]]]],
    *,
    stream: tuple[str, ...],
) -> ScorePair:
    by_task = [_difference(scores[task]) for task in tasks]
    value = sum(one.value for one in by_task)
    below = math.hypot(*(one.value - one.interval.low for one in by_task))
    above = math.hypot(*(one.interval.high - one.value for one in by_task))
    by_seed = [
        ([r for part in parts for r in part[0]], [r for part in parts for r in part[1]])
        for parts in zip(*(counted[task] for task in tasks), strict=True)
    ]
    return ScorePair(
        num_images=sum(scores[task].shape[1] for task in tasks),
        base=float(sum(scores[task][0].mean() for task in tasks)),
        other=float(sum(scores[task][1].mean() for task in tasks)),
        interval=Interval(_MOST * (value - below), _MOST * (value + above)),
        both_right=paired(by_seed, stream=stream),
    )


def _images(
    predictions: Sequence[Prediction], benchmark: str
) -> dict[str, list[tuple[int, int]]]:  # fmt: skip
    """By task, the places of each image's two questions."""
    found: dict[str, dict[str, list[int]]] = {}
    for place, one in enumerate(predictions):
        image = one.image_name or one.picture
        found.setdefault(one.category, {}).setdefault(image, []).append(place)
    for task, images in found.items():
        for image, places in images.items():
            if len(places) != 2:
                raise LynxError(
                    f"{benchmark}: image {image} of {task} was asked {len(places)} questions, and "
                    "MME's score needs its two; evaluate with num_questions_per_class: 0"
                )
    return {
        task: [(first, second) for first, second in images.values()]
        for task, images in found.items()
    }


def _gives(results: Sequence[Result], places: Sequence[tuple[int, int]]) -> NDArray[np.float64]:
    """(images,) what each gives to its task's score: 0, 50 or 200."""
    right = np.array([[results[place].correct is True for place in two] for two in places])
    return 50.0 * right.sum(axis=1) + 100.0 * right.all(axis=1)


def _image(results: Sequence[Result], two: tuple[int, int]) -> Result:
    """An image as one result, right where both its questions are."""
    first, second = (results[place] for place in two)
    return Result(first.prediction, first.correct is True and second.correct is True)


def _difference(scores: NDArray[np.float64]) -> Difference:
    """Of a task's score, as a share of the most; scores: (2, images), base and other."""
    shares = (scores[1] - scores[0]) / _MOST
    return paired_difference(shares.tolist(), range(len(shares)))
