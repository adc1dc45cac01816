"""MME's score equals the official script's, and says how far it is from chance."""

from __future__ import annotations

import json
import math
import random

import numpy as np
import pytest

from lynx.config.errors import LynxError
from lynx.config.seeds import generator
from lynx.evaluation.benchmarks.mme import details, is_correct
from lynx.evaluation.benchmarks.mme_chance import sum_chance, task_chance
from lynx.evaluation.benchmarks.mme_scoring import MmeReport, official_label, ranks, score_mme
from lynx.evaluation.benchmarks.mme_tasks import PRINTED_NAMES, TASKS, Row, rows_of
from tests.evaluation.benchmarks.mme_answers import (
    OFFICIAL_SCORES,
    OFFICIAL_SUMS,
    SHAPES,
    messy_predictions,
    predict,
)


def _rows(task: str, answers: list[tuple[str, str]], *, pictures: bool = False) -> list[Row]:
    """Two rows a picture: the answers to the question with Yes and to the one with No."""
    return [
        Row(task, f"{image}.jpg", f"{truth}?", truth, answer, f"p{image}" if pictures else "")
        for image, pair in enumerate(answers)
        for truth, answer in zip(("yes", "no"), pair, strict=True)
    ]


def _score(answers: list[tuple[str, str]], task: str = "OCR") -> MmeReport:
    return score_mme(_rows(task, answers))


@pytest.mark.parametrize(("answer", "official"), [(shape[0], shape[1]) for shape in SHAPES])
def test_an_answer_is_labelled_as_the_official_script_labels_it(answer: str, official: str) -> None:
    assert official_label(answer) == official


def test_the_scores_are_the_official_ones_to_the_last_digit() -> None:
    report = score_mme(rows_of(messy_predictions()))
    assert {task: repr(one.score) for task, one in report.tasks.items()} == OFFICIAL_SCORES
    assert report.perception is not None and report.cognition is not None
    sums = {"perception": repr(report.perception.score), "cognition": repr(report.cognition.score)}
    assert sums == OFFICIAL_SUMS


def test_sums_are_of_unrounded_scores() -> None:
    rows = [
        row
        for task in ("existence", "count", "position")
        for row in _rows(task, [("yes", "no")] + [("yes", "yes")] * 2)
    ]
    report = score_mme(rows)
    assert report.perception is not None
    assert report.perception.score == pytest.approx(300.0, abs=1e-12)  # 3 x 99.999..., not 99.99
    assert report.tasks["count"].score == pytest.approx(100.0)


def test_the_order_of_the_rows_does_not_matter() -> None:
    rows = rows_of(messy_predictions())
    shuffled = random.Random(3).sample(rows, len(rows))
    assert score_mme(shuffled) == score_mme(rows)


def test_pairs_are_made_by_name_and_not_by_place() -> None:
    # By place the second and the third row would be a pair, and accuracy+ would be 0.
    first, second = (
        _rows("OCR", [("yes", "no"), ("no", "yes")])[:2],
        _rows("OCR", [("", "")] * 2)[2:],
    )
    assert score_mme([first[0], second[0], first[1], second[1]]).tasks["OCR"].accuracy_plus == 0.5


def test_a_constant_answerer_gets_50_whatever_it_says() -> None:
    for answer in ("yes", "no", "not sure"):
        one = _score([(answer, answer)] * 20).tasks["OCR"]
        assert (one.score, one.accuracy_plus, one.always_yes, one.always_no) == (50, 0, 50, 50)


def test_answers_that_say_neither_are_wrong_and_counted() -> None:
    one = _score([("The answer is yes", "**Yes**"), ("yes", "no")]).tasks["OCR"]
    assert (one.other_rate, one.accuracy, one.score) == (0.5, 0.5, 100.0)


def test_a_task_without_any_yes_or_no_scores_zero() -> None:
    """The official script crashes on it."""
    report = _score([("maybe", "maybe")] * 4)
    assert report.tasks["OCR"].score == 0 and report.other_rate == 1


def test_missing_tasks_are_named_and_the_largest_sum_says_how_many_are_there() -> None:
    report = score_mme(_rows("existence", [("yes", "no")]) + _rows("OCR", [("yes", "no")]))
    assert report.perception is not None
    assert report.perception.max == 400 and report.perception.tasks == ("existence", "OCR")
    assert report.cognition is None
    assert report.missing == tuple(task for task in TASKS if task not in ("existence", "OCR"))


def test_a_picture_with_one_or_three_answers_is_refused() -> None:
    rows = _rows("OCR", [("yes", "no"), ("yes", "no")])
    for wrong, number in ((rows[:3], 1), ([*rows, rows[0]], 3)):
        with pytest.raises(LynxError, match=f"two questions about each picture.* has {number}"):
            score_mme(wrong)


def test_nothing_to_score_is_refused() -> None:
    with pytest.raises(LynxError, match="no answers to score"):
        score_mme([])


def test_predictions_of_another_benchmark_are_refused() -> None:
    with pytest.raises(LynxError, match="category 'Color'"):
        details([predict("Color", "1.jpg", "Yes", "yes")])


def test_the_details_survive_json_and_agree_with_the_verdicts() -> None:
    predictions = messy_predictions()
    content = json.loads(json.dumps(details(predictions)))
    for task, one in content["tasks"].items():
        right = [is_correct(p) for p in predictions if p.category == task]
        assert sum(right) / len(right) == one["accuracy"]
    assert repr(content["perception"]["score"]) == OFFICIAL_SUMS["perception"]


def test_the_chance_band_is_what_guessers_get() -> None:
    rng = generator(0, "test", "guessers")
    for n in (20, 147):
        right = rng.integers(0, 2, size=(20_000, n, 2)).sum(axis=2)
        scores = (50 * (right == 1) + 200 * (right == 2)).mean(axis=1)
        chance = task_chance(n)
        assert chance.mean == 75 and chance.sd == pytest.approx(75 / math.sqrt(n))
        assert scores.mean() == pytest.approx(75, abs=0.6)
        assert scores.std() == pytest.approx(chance.sd, rel=0.03)
        inside = np.mean((scores >= chance.low - 1e-9) & (scores <= chance.high + 1e-9))
        assert 0.945 <= inside <= 0.985  # its ends are scores that occur, so more than 95 %
        assert np.mean(scores < chance.low - 1e-9) <= 0.03
        assert np.mean(scores > chance.high + 1e-9) <= 0.03


def test_the_band_of_twenty_pictures_holds_the_papers_lynx_with_plug_and_play_only() -> None:
    """Table 6: 55, 75 and 77.5 with plug-and-play, 17.5 for calculation without it."""
    band = task_chance(20)
    assert all(band.low <= score <= band.high for score in (55, 75, 77.5))
    assert band.low > 17.5


def test_the_band_of_a_sum_is_narrower_than_the_sum_of_bands() -> None:
    sizes = (70, 20, 20, 20)
    band = sum_chance(sizes)
    assert band.mean == 300 and band.sd == pytest.approx(75 * math.sqrt(1 / 70 + 3 / 20))
    assert band.low == pytest.approx(300 - 1.96 * band.sd, abs=5)
    assert band.high == pytest.approx(300 + 1.96 * band.sd, abs=5)
    assert band.low > sum(task_chance(n).low for n in sizes)
    assert sum_chance((20,)) == task_chance(20)


@pytest.mark.parametrize("shares", [(0.25, 0.5, 0.25), (0.05, 0.15, 0.8), (0.1, 0.85, 0.05)])
@pytest.mark.parametrize("num_images", [20, 70])
def test_the_interval_holds_the_true_score_19_times_of_20(
    shares: tuple[float, float, float], num_images: int
) -> None:
    truth = 50 * shares[1] + 200 * shares[2]
    rng = generator(0, "test", "coverage", num_images, *shares)
    kinds = [("no", "yes"), ("yes", "yes"), ("yes", "no")]
    held = 0
    for drawn in rng.choice(3, p=shares, size=(300, num_images)):
        one = _score([kinds[kind] for kind in drawn]).tasks["OCR"]
        assert one.low <= one.score <= one.high
        held += one.low <= truth <= one.high
    assert held / 300 >= 0.925


def test_a_perfect_score_of_few_pictures_is_not_certain() -> None:
    one = _score([("yes", "no")] * 20).tasks["OCR"]
    assert (one.score, one.high) == (200, 200) and 150 < one.low < 185


def test_a_sums_interval_is_wider_where_tasks_ask_about_the_same_pictures() -> None:
    answers = [("yes", "no"), ("no", "yes")] * 20
    apart = _rows("existence", answers) + _rows("count", answers)
    shared = _rows("existence", answers, pictures=True) + _rows("count", answers, pictures=True)
    one, other = score_mme(apart).perception, score_mme(shared).perception
    assert one is not None and other is not None and one.score == other.score == 200
    # Fully correlated: the distances add up, instead of their squares.
    assert other.high - 200 == pytest.approx(math.sqrt(2) * (one.high - 200))
    assert score_mme(apart).tasks == score_mme(shared).tasks


# Table 10 and Table 11, the rows with ties and one without, in the paper's order of models.
_MODELS = ("BLIP2", "InstructBLIP", "LLaMA-Adapter V2", "mPLUG Owl", "MiniGPT4", "LLaVA", "Ours")
_PRINTED = {
    "Existence": ([160, 185, 120, 120, 115, 50, 195], [3, 2, 4, 5, 6, 7, 1]),
    "Count": ([135, 143.33, 50, 50, 123.33, 50, 151.67], [3, 2, 5, 6, 4, 7, 1]),
    "Position": ([73.33, 66.67, 48.33, 50, 81.67, 50, 90], [3, 4, 7, 5, 2, 6, 1]),
    "Color": ([148.33, 153.33, 75, 55, 110, 55, 170], [3, 2, 5, 6, 4, 7, 1]),
    "Poster": ([141.84, 123.81, 99.66, 136.05, 55.78, 50, 124.83], [1, 4, 5, 2, 6, 7, 3]),
    "Celebrity": ([105.59, 101.18, 86.18, 100.29, 65.29, 48.82, 118.24], [2, 3, 5, 4, 6, 7, 1]),
    "Scene": ([145.25, 153, 148.5, 135.5, 95.75, 50, 164.5], [4, 2, 3, 5, 6, 7, 1]),
    "Landmark": ([138, 79.75, 150.25, 159.25, 69, 50, 162], [4, 5, 3, 2, 6, 7, 1]),
    "Artwork": ([136.5, 134.25, 69.75, 96.25, 55.75, 49, 119.5], [1, 2, 5, 4, 6, 7, 3]),
    "OCR": ([110, 72.5, 125, 65, 95, 50, 77.5], [2, 5, 1, 6, 3, 7, 4]),
    "Perception": (
        [1293.84, 1212.82, 972.67, 967.35, 866.58, 502.82, 1373.23],
        [2, 3, 4, 5, 6, 7, 1],
    ),
    "Commonsense": ([110, 129.29, 81.43, 78.57, 72.14, 57.14, 110.71], [3, 1, 4, 5, 6, 7, 2]),
    "Numerical": ([40, 40, 62.5, 60, 55, 50, 17.5], [5, 6, 1, 2, 3, 4, 7]),
    "Text Translation": ([65, 65, 50, 80, 55, 57.5, 42.5], [2, 3, 6, 1, 5, 4, 7]),
    "Code Reasoning": ([75, 57.5, 55, 57.5, 110, 50, 45], [2, 3, 5, 4, 1, 6, 7]),
    "Cognition": ([290, 291.79, 248.93, 276.07, 292.14, 214.64, 215.71], [3, 2, 5, 4, 1, 7, 6]),
}


@pytest.mark.parametrize("row", _PRINTED)
def test_the_ranks_of_table_11_follow_from_table_10(row: str) -> None:
    scores, printed = _PRINTED[row]
    assert list(ranks(dict(zip(_MODELS, scores, strict=True))).values()) == printed


def test_every_task_has_the_papers_name() -> None:
    assert set(PRINTED_NAMES.values()) == set(_PRINTED) - {"Perception", "Cognition"}
