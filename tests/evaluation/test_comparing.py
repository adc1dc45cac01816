"""The parts of a comparison: clusters, lengths, looking, MME by image, stability, noise."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lynx.config.errors import LynxError
from lynx.evaluation.benchmarks.mme_tasks import GROUPS
from lynx.evaluation.comparing.lengths import at_equal_length, compare_lengths
from lynx.evaluation.comparing.looking import looking
from lynx.evaluation.comparing.mme import compare_scores
from lynx.evaluation.comparing.noise import budget, judge_noise
from lynx.evaluation.comparing.pairs import clusters_of, paired
from lynx.evaluation.comparing.stability import seed_churn, stability
from lynx.evaluation.results import Prediction, Result, ResultFiles
from lynx.evaluation.statistics import mcnemar_exact
from lynx.tracking.run_dir import RunDir
from tests.fabricated import below, write_evaluation


def prediction(number: int, **fields: object) -> Prediction:
    made = Prediction(f"q{number}", "Color", "what?", "red", str(number), "what?", "red")
    return replace(made, **fields)  # type: ignore[arg-type]


def judged(right: Sequence[bool], **fields: Callable[[int], object]) -> list[Result]:
    """A question for each verdict; fields: of its prediction, by number."""
    return [
        Result(prediction(i, **{name: give(i) for name, give in fields.items()}), one)
        for i, one in enumerate(right)
    ]


def evaluated(path: Path, limit: int, benchmark: str = "b") -> RunDir:
    """Right on the first `limit` of ten questions."""
    write_evaluation(
        RunDir(path), benchmark, categories=("OCR",), per_category=10, is_correct=below(limit)
    )
    return RunDir(path)


def test_questions_about_a_picture_and_turns_of_a_dialogue_hang_together() -> None:
    predictions = [
        prediction(0), prediction(1, picture="0"), prediction(2, dialogue="d"),
        prediction(3, dialogue="d"), prediction(4),
    ]  # fmt: skip
    assert clusters_of(predictions) == ["0", "0", "2", "2", "4"]


def test_eight_gains_about_one_picture_are_no_evidence_and_about_eight_are() -> None:
    base, other = [False] * 8 + [True] * 12, [True] * 20
    together = paired([(judged(base, picture=lambda i: str(i // 10)), judged(other))])
    alone = paired([(judged(base), judged(other))])
    assert together.p == alone.p == mcnemar_exact(8, 0)
    assert alone.cluster_p == pytest.approx(mcnemar_exact(8, 0))
    assert together.cluster_p == 1.0
    assert together.clustering > 5 * alone.clustering == pytest.approx(5.0)


def test_seeds_of_opposite_signs_leave_a_difference_undecided() -> None:
    none, some = judged([False] * 30), judged([True] * 10 + [False] * 20)
    three = paired([(none, some), (none, some), (some, none)])
    assert three.by_seed == pytest.approx((1 / 3, 1 / 3, -1 / 3))
    assert three.cluster_p < 0.05 < three.decisive_p
    assert three.decisive_p == three.seed_p
    assert (three.p, three.mid_p) == (None, None)


def test_the_bootstrap_of_a_pair_is_repeatable() -> None:
    base, other = judged([True] * 10 + [False] * 30), judged([True] * 18 + [False] * 22)
    first, again = (paired([(base, other)], stream=("b", "x")).bootstrap for _ in range(2))
    assert first == again
    assert first.low < 0.2 < first.high


def test_lengths_are_counted_in_words_characters_and_tokens_where_both_have_them() -> None:
    base = [prediction(0, prediction="a red one", num_tokens=4), prediction(1, num_tokens=2)]
    other = [prediction(0, prediction="", num_tokens=0), prediction(1, prediction="so it is")]
    found = compare_lengths([(base, other)])
    assert list(found) == ["words", "characters"]
    assert (found["words"].base, found["words"].other) == (2.0, 1.5)
    assert (found["words"].base_empty, found["words"].other_empty) == (0, 1)
    assert found["characters"].difference.value == pytest.approx(-2.0)
    assert compare_lengths([(base, base)])["tokens"].base == 3.0


def said(number: int) -> str:
    return " ".join(["word"] * number)


def test_a_gain_that_length_explains_is_gone_at_equal_length() -> None:
    rng = np.random.default_rng(0)
    longer = rng.random(400) < 0.5
    # Longer answers are right 40 points more often; the change itself does nothing.
    base = judged((rng.random(400) < 0.4).tolist(), prediction=lambda i: said(3))
    right = (rng.random(400) < np.where(longer, 0.8, 0.4)).tolist()
    other = judged(right, prediction=lambda i: said(15 if longer[i] else 3))
    raw = paired([(base, other)]).difference
    fixed = at_equal_length([(base, other)])
    assert fixed is not None
    assert raw.value > 0.12 and not raw.interval.contains(0.0)
    assert fixed.difference.interval.contains(0.0) and abs(fixed.difference.value) < 0.08
    assert fixed.per_doubling == pytest.approx(0.4 / 2, abs=0.07)  # from 4 to 16, log(1 + words)


def test_a_gain_that_length_does_not_explain_stays() -> None:
    rng = np.random.default_rng(1)
    base = judged((rng.random(400) < 0.4).tolist(), prediction=lambda i: said(3))
    other = judged((rng.random(400) < 0.7).tolist(), prediction=lambda i: said(3 + i % 5))
    fixed = at_equal_length([(base, other)])
    assert fixed is not None
    assert fixed.difference.value == pytest.approx(0.3, abs=0.1)
    assert not fixed.difference.interval.contains(0.0)


def test_where_all_answers_grew_alike_length_can_not_be_told_apart() -> None:
    base = judged([True, False] * 10, prediction=lambda i: said(1))
    other = judged([True] * 20, prediction=lambda i: said(3))
    assert at_equal_length([(base, other)]) is None
    unchanged = at_equal_length([(base, judged([True] * 20, prediction=lambda i: said(1)))])
    assert unchanged is not None and unchanged.difference.value == 0.5


def test_the_interval_at_equal_length_covers_the_truth_with_questions_in_clusters() -> None:
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(300):
        shift = np.repeat(rng.normal(0, 0.2, 40), 4)  # of a picture's four questions
        grown = rng.integers(0, 4, 160)
        chance = np.clip(0.5 + shift + 0.1 * np.log((1 + 2 + grown) / 3), 0, 1)
        base = judged((rng.random(160) < 0.3).tolist(), prediction=lambda i: said(2))
        base = [
            replace(r, prediction=replace(r.prediction, picture=str(i // 4)))
            for i, r in enumerate(base)
        ]
        other = judged(
            (rng.random(160) < chance).tolist(), prediction=lambda i, g=grown: said(2 + g[i])
        )
        fixed = at_equal_length([(base, other)])
        assert fixed is not None
        covered.append(fixed.difference.interval.contains(0.2))
    assert np.mean(covered) > 0.9


def test_looking_is_the_gain_over_the_same_questions_without_their_pictures(
    tmp_path: Path,
) -> None:
    run = evaluated(tmp_path / "a", 8)
    evaluated(tmp_path / "a", 3, "b@swapped")
    files = ResultFiles(run.eval_dir("b", "swapped"))
    files.finish(replace(p, picture="another") for p in files.predictions())
    found = looking(run, "b")
    assert list(found) == ["swapped"]
    overall = found["swapped"]["Overall"]
    assert (overall.base_accuracy, overall.other_accuracy) == (0.3, 0.8)
    assert (overall.gained, overall.lost) == (5, 0)
    assert len(set(overall.clusters)) == 10  # by the pictures that were shown


def test_other_questions_without_pictures_are_refused(tmp_path: Path) -> None:
    run = evaluated(tmp_path / "a", 8)
    evaluated(tmp_path / "a", 3, "b@blank")
    files = ResultFiles(run.eval_dir("b", "blank"))
    files.finish(replace(p, question="why?") for p in files.predictions())
    with pytest.raises(LynxError, match="question q0 has another question there"):
        looking(run, "b")


def test_the_stable_core_is_right_in_every_run(tmp_path: Path) -> None:
    runs = [evaluated(tmp_path / name, limit) for name, limit in (("a", 8), ("b", 5), ("c", 6))]
    core = stability(runs, "b")
    assert (core.num_runs, core.n) == (3, 10)
    assert (core.always_right, core.never_right, core.contested) == (5, 2, 3)
    assert seed_churn(runs, "b") == pytest.approx((3 + 2 + 1) / 3)
    assert seed_churn(runs[:1], "b") is None


def test_a_judge_that_changes_its_mind_adds_noise(tmp_path: Path) -> None:
    run = evaluated(tmp_path / "a", 10)
    assert judge_noise(run, "b") is None
    files = ResultFiles(run.eval_dir("b"))
    rows = [json.loads(line) for line in files.verdicts_path.read_text().splitlines()]
    for number, row in enumerate(rows):
        row["repeats"] = [True, False] if number < 5 else [True, True]
    files.write_verdicts(rows)
    noise = judge_noise(run, "b")
    assert noise is not None
    assert noise.num_claims == 10
    assert noise.flip_rate == pytest.approx(5 * 2 / (10 * 3))
    # Unbiased variance of (1, 1, 0) is 1/3, for half of ten claims.
    assert noise.standard_error == pytest.approx((5 / 3) ** 0.5 / 10)


def test_the_budget_names_each_source_and_what_is_resolved() -> None:
    none, some = judged([False] * 100), judged([True] * 10 + [False] * 90)
    one = budget(paired([(none, some)]), [(None, None)])
    assert (one.seeds, one.judge, one.resolved_over_seeds) == (None, None, None)
    assert one.resolved == pytest.approx(2.8 * one.questions, rel=0.01)
    more = judged([True] * 20 + [False] * 80)
    two = budget(paired([(none, some), (none, more)]), [(None, None)] * 2)
    assert two.seeds == pytest.approx(0.05)
    assert two.resolved == two.resolved_over_seeds


def mme(right: dict[str, list[tuple[bool, bool]]]) -> list[Result]:
    """Answers to two questions about each picture, by task."""
    return [
        Result(
            prediction(
                0, id=f"{task}{number}{which}", category=task, image_name=f"{task}/{number}.jpg",
                picture=f"{task}{number}",
            ),
            verdict,
        )
        for task, images in right.items()
        for number, pair in enumerate(images)
        for which, verdict in enumerate(pair)
    ]  # fmt: skip


def test_mme_is_compared_in_official_points_and_by_image() -> None:
    base = mme({"count": [(True, True), (True, False), (False, False), (True, True)]})
    other = mme({"count": [(True, True), (True, True), (True, False), (True, False)]})
    pair = compare_scores([(base, other)], benchmark="mme")["count"]
    assert pair.base == pytest.approx(100 * 5 / 8 + 100 * 2 / 4)
    assert pair.other == pytest.approx(100 * 6 / 8 + 100 * 2 / 4)
    assert pair.difference == pytest.approx(12.5)
    assert (pair.both_right.n, pair.both_right.gained, pair.both_right.lost) == (4, 1, 1)
    assert pair.interval.contains(0.0)


def test_mme_sums_stand_for_whole_groups_only_and_have_the_tasks_sum() -> None:
    tasks = GROUPS["cognition"]
    base = mme({task: [(True, False)] * 10 for task in tasks})
    other = mme({task: [(True, True)] * 10 for task in tasks})
    found = compare_scores([(base, other)], benchmark="mme")
    assert list(found) == [*tasks, "cognition"]
    assert (found["cognition"].base, found["cognition"].other) == (4 * 50.0, 4 * 200.0)
    interval = found["cognition"].interval
    assert interval.contains(600.0)
    assert 0 < interval.low < 600.0  # all pictures changed alike: that others would isn't certain
    assert found["cognition"].both_right.n == 40


def test_an_mme_image_with_one_question_has_no_score() -> None:
    cut = mme({"count": [(True, True)]})[:1]
    with pytest.raises(LynxError, match=r"image count/0.jpg of count was asked 1 questions"):
        compare_scores([(cut, cut)], benchmark="mme")


def test_mme_pictures_that_all_stay_as_they_were_do_not_prove_that_none_would_change() -> None:
    same = mme({"count": [(True, False)] * 24})
    interval = compare_scores([(same, same)], benchmark="mme")["count"].interval
    assert interval.low == pytest.approx(-interval.high) and 10 < interval.high < 40


def test_three_seeds_that_answer_alike_are_not_three_times_as_many_questions() -> None:
    base, other = (
        judged([False] * 20 + [True] * 80),
        judged([True] * 14 + [False] * 6 + [True] * 80),
    )
    one, three = paired([(base, other)]), paired([(base, other)] * 3)
    assert one.clustering == pytest.approx(1.0)
    assert three.clustering == pytest.approx(1.0, rel=0.1)
    # Seeds that gain other questions each tell more, so that fewer questions would do.
    parts = [judged([seed * 14 <= i < seed * 14 + 14 for i in range(100)]) for seed in range(3)]
    none = judged([False] * 100)
    assert paired([(none, part) for part in parts]).clustering < 0.6
