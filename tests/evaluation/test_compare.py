"""Comparing runs question by question, from fabricated run folders."""

from __future__ import annotations

from pathlib import Path

import pytest
from scipy.stats import ttest_1samp

from lynx.config.errors import LynxError
from lynx.evaluation.compare import compare, compare_seeds
from lynx.tracking.run_dir import RunDir
from tests.fabricated import write_evaluation

CATEGORIES = ("OCR", "Color")


def evaluated(path: Path, correct: dict[str, set[int]], **options: object) -> RunDir:
    run_dir = RunDir(path)
    write_evaluation(
        run_dir, "b", categories=CATEGORIES, per_category=10,
        is_correct=lambda category, number: number in correct[category], **options,  # type: ignore[arg-type]
    )  # fmt: skip
    return run_dir


def test_flips_differences_and_p_are_those_of_the_verdicts(tmp_path: Path) -> None:
    base = evaluated(tmp_path / "a", {"OCR": {0, 1, 2, 3}, "Color": {0, 1}})
    other = evaluated(tmp_path / "b", {"OCR": {3, 4}, "Color": {0, 1, 5}})
    comparison = compare(base, other, "b")
    assert [(f.base.id, f.is_gained) for f in comparison.flips] == [
        ("q0", False), ("q1", False), ("q2", False), ("q4", True), ("q15", True),
    ]  # fmt: skip
    assert comparison.flips[0].base.prediction == "red"
    assert comparison.flips[0].other.prediction == "blue"
    overall, ocr = comparison.categories["Overall"], comparison.categories["OCR"]
    assert (overall.n, overall.gained, overall.lost, overall.p) == (20, 2, 3, 1.0)
    assert overall.difference.value == pytest.approx(-1 / 20)
    assert (ocr.base_accuracy, ocr.other_accuracy) == (0.4, 0.2)
    assert ocr.difference.interval.contains(0.0)
    assert list(comparison.categories) == ["Overall", "OCR", "Color"]


def test_an_unparseable_verdict_is_not_right(tmp_path: Path) -> None:
    base = evaluated(tmp_path / "a", {"OCR": {0}, "Color": set()})
    other = RunDir(tmp_path / "b")
    write_evaluation(other, "b", categories=CATEGORIES, per_category=10, is_correct=lambda *_: None)
    assert compare(base, other, "b").categories["Overall"].lost == 1


def test_seeds_are_pooled_by_question(tmp_path: Path) -> None:
    none: dict[str, set[int]] = {"OCR": set(), "Color": set()}
    first: dict[str, set[int]] = {"OCR": {0}, "Color": set()}
    pairs = [
        (evaluated(tmp_path / "a0", none), evaluated(tmp_path / "b0", first)),
        (evaluated(tmp_path / "a1", none), evaluated(tmp_path / "b1", none)),
    ]
    one, two = compare_seeds(pairs[:1], "b"), compare_seeds(pairs, "b")
    assert one.categories["OCR"].difference.value == pytest.approx(0.1)
    assert two.categories["OCR"].difference.value == pytest.approx(0.05)
    assert two.categories["OCR"].n == 10
    assert (one.categories["OCR"].num_seeds, two.categories["OCR"].num_seeds) == (1, 2)


def test_pooled_flips_have_no_p_and_several_seeds_have_an_interval_of_their_own(
    tmp_path: Path,
) -> None:
    none: dict[str, set[int]] = {"OCR": set(), "Color": set()}
    gains = ({0, 1, 2}, {0}, {5, 6})
    pairs = [
        (
            evaluated(tmp_path / f"a{seed}", none),
            evaluated(tmp_path / f"b{seed}", {"OCR": gained, "Color": set()}),
        )
        for seed, gained in enumerate(gains)
    ]
    one = compare_seeds(pairs[:1], "b").categories["OCR"]
    assert (one.p, one.seed_interval) == (0.25, None)
    three = compare_seeds(pairs, "b").categories["OCR"]
    assert three.p is None
    expected = ttest_1samp([0.3, 0.1, 0.2], 0.0).confidence_interval(0.95)
    assert three.seed_interval is not None
    assert three.seed_interval.low == pytest.approx(expected.low)
    assert three.seed_interval.high == pytest.approx(expected.high)


def test_seeds_that_were_asked_different_numbers_of_questions_are_not_pooled(
    tmp_path: Path,
) -> None:
    def run(name: str, number: int) -> RunDir:
        run_dir = RunDir(tmp_path / name)
        write_evaluation(
            run_dir, "b", categories=("OCR",), per_category=number, is_correct=lambda *_: True
        )
        return run_dir

    pairs = [(run("a0", 10), run("b0", 10)), (run("a1", 5), run("b1", 5))]
    with pytest.raises(LynxError, match=r"a1.* holds 5 questions, .*a0.* 10: .*per_class"):
        compare_seeds(pairs, "b")


def test_different_questions_or_judges_are_refused(tmp_path: Path) -> None:
    verdicts: dict[str, set[int]] = {"OCR": {0}, "Color": {0}}
    base = evaluated(tmp_path / "a", verdicts)
    with pytest.raises(LynxError, match="judged by gpt-4 and by rule:v1"):
        compare(base, evaluated(tmp_path / "b", verdicts, judge="gpt-4"), "b")
    elsewhere = RunDir(tmp_path / "c")
    write_evaluation(
        elsewhere, "b", categories=("OCR", "Place"), per_category=10, is_correct=lambda *_: True
    )
    with pytest.raises(LynxError, match="does not hold the questions of"):
        compare(base, elsewhere, "b")
    with pytest.raises(LynxError, match=r"no finished evaluation in .*none"):
        compare(base, RunDir(tmp_path / "none"), "b")


def test_what_was_asked_differently_is_named(tmp_path: Path) -> None:
    verdicts: dict[str, set[int]] = {"OCR": {0}, "Color": {0}}
    base = evaluated(tmp_path / "a", verdicts, protocol={"checkpoint": "x"})
    other = evaluated(
        tmp_path / "b", verdicts, protocol={"checkpoint": "y", "plug_and_play": {"prompt": "p"}}
    )
    assert compare(base, base, "b").protocol_differences == ()
    assert compare(base, other, "b").protocol_differences == ("plug_and_play",)


def test_the_weights_and_the_code_are_no_difference_of_the_asking(tmp_path: Path) -> None:
    verdicts: dict[str, set[int]] = {"OCR": {0}, "Color": {0}}
    base = evaluated(tmp_path / "a", verdicts, protocol={"code": "1", "seed": 0})
    other = evaluated(tmp_path / "b", verdicts, protocol={"code": "2", "seed": 1})
    assert compare(base, other, "b").protocol_differences == ()
