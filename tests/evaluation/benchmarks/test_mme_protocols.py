"""The same MME answers give other scores by the rules of other harnesses."""

from __future__ import annotations

import pytest

from lynx.evaluation.benchmarks.mme_protocols import (
    lmms_eval_label,
    protocol_diff,
    vlmevalkit_label,
)
from lynx.evaluation.benchmarks.mme_scoring import score_mme
from lynx.evaluation.benchmarks.mme_tasks import rows_of
from tests.evaluation.benchmarks.mme_answers import SHAPES, messy_predictions, predict


@pytest.mark.parametrize(("answer", "lmms_eval", "vlmevalkit"), [(s[0], *s[2:]) for s in SHAPES])
def test_an_answer_is_labelled_as_the_harness_labels_it(
    answer: str, lmms_eval: str, vlmevalkit: str
) -> None:
    assert (lmms_eval_label(answer), vlmevalkit_label(answer)) == (lmms_eval, vlmevalkit)


def test_vlmevalkit_drops_thirty_two_full_stops_and_no_more() -> None:
    assert vlmevalkit_label("." * 31 + " no.") == "no"
    assert vlmevalkit_label("." * 32 + " no.") == "other"


def test_the_rules_give_different_scores_for_the_same_answers() -> None:
    answers = {"1.jpg": ("y", "n"), "2.jpg": ("It is: yes", "It is: no"), "3.jpg": ("yes", "no")}
    rows = rows_of(
        predict("color", image, truth, answer)
        for image, pair in answers.items()
        for truth, answer in zip(("Yes", "No"), pair, strict=True)
    )
    difference = protocol_diff(rows)
    third = pytest.approx(200 / 3)
    two_thirds = pytest.approx(400 / 3)
    wanted = {"official": third, "lmms-eval": two_thirds, "VLMEvalKit": two_thirds}
    assert difference.tasks == {"color": wanted}
    assert difference.groups == {"perception": wanted}
    read_differently = [(one.image, one.answer) for one in difference.disagreements]
    assert read_differently == [
        ("1.jpg", "y"), ("1.jpg", "n"), ("2.jpg", "It is: yes"), ("2.jpg", "It is: no"),
    ]  # fmt: skip
    labels = difference.disagreements[0].labels
    assert labels == {"official": "other", "lmms-eval": "yes", "VLMEvalKit": "other"}
    assert difference.num_questions == 6 and len(difference.missing) == 13


def test_the_official_column_is_the_official_score() -> None:
    rows = rows_of(messy_predictions())
    report, difference = score_mme(rows), protocol_diff(rows)
    for task, one in report.tasks.items():
        assert difference.tasks[task]["official"] == one.score
    assert report.perception is not None
    assert difference.groups["perception"]["official"] == report.perception.score
