"""What the HTML report says, without a browser."""

from __future__ import annotations

import json
import re
import shutil
from html import unescape
from pathlib import Path

import pytest

from lynx.config.errors import LynxError
from lynx.evaluation.results import ResultFiles
from lynx.reporting.html.cases import benchmark_cases
from lynx.reporting.html.curves import stage_curves
from lynx.reporting.html.scores import benchmark_figures
from lynx.reporting.html.training import stage_mixes
from lynx.reporting.html.variants import find_variants, pairs
from lynx.reporting.html_report import Written, write_html_report
from lynx.tracking.files import write_bytes_atomic, write_json_atomic
from tests.reporting.shown_runs import HOSTILE, right, shown_run, wrong, wrong_for


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The base is wrong about 0 and 1, the other about 0, 2 and 3."""
    folder = tmp_path_factory.mktemp("shown")
    _shown(folder)
    return folder


@pytest.fixture
def root(original: Path, tmp_path: Path) -> Path:
    """A copy to be changed; the pictures stay where they are."""
    return Path(shutil.copytree(original / "runs" / "desk", tmp_path / "runs" / "desk"))


def _shown(folder: Path) -> None:
    shown_run(folder, "base", says=wrong_for(["0", "1"]))
    shown_run(folder, "other", says=wrong_for(["0", "2", "3"]), loss=2.0)


def written(root: Path, *names: str, **options: int) -> tuple[Written, str]:
    report = write_html_report([root / name for name in names], root / "report.html", **options)
    return report, report.path.read_text("utf-8")


def text_of(html: str, section: str) -> str:
    """The words of a section, on one line."""
    part = re.search(rf'<section id="{section}".*?</section>', html, re.DOTALL)
    assert part is not None
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", part[0])).split())


def test_a_report_says_verdict_interval_count_seeds_and_judge(root: Path) -> None:
    _, html = written(root, "base", "other")
    headline = text_of(html, "headline")
    for told in (
        "other against base", "◇ undecided", "77.8 % → 66.7 %", "-11.1 points", "n = 9",
        "gained 1, lost 2", "training noise is unknown", "rule:v1 (a string rule",
    ):  # fmt: skip
        assert told in headline, told
    assert re.search(r"\[-\d+\.\d, \+\d+\.\d\]", headline)


def test_a_clear_difference_is_called_so(tmp_path: Path) -> None:
    shown_run(tmp_path, "base", says=wrong)
    shown_run(tmp_path, "other", says=right)
    _, html = written(tmp_path / "runs/desk", "base", "other")
    assert "▲ better" in text_of(html, "headline")
    _, html = written(tmp_path / "runs/desk", "other", "base")
    assert "▼ worse" in text_of(html, "headline")


def test_what_a_model_says_never_becomes_part_of_the_page(root: Path) -> None:
    _, html = written(root, "base", "other")
    assert HOSTILE not in html
    assert "&lt;script&gt;document.title" in html
    assert html.count("<script>") == 1
    assert re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', html) == []


def test_half_a_character_does_not_stop_the_report(root: Path) -> None:
    path = ResultFiles(root / "other/seed0/eval/colors").predictions_path
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    rows[2]["prediction"] = "half \ud83d a face"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    _, html = written(root, "base", "other")
    assert "half ? a face" in html


def test_flips_and_what_nobody_gets_are_listed_with_pictures_and_both_answers(root: Path) -> None:
    report, html = written(root, "base", "other")
    assert (report.num_cases, report.num_pictures) == (4, 4)
    kinds = re.findall(r'data-kinds="([^"]*)"', html)
    assert sorted(kinds) == ["gained-1", "lost-1", "lost-1", "wrong-1"]
    assert html.count('src="data:image/jpeg;base64,') == 4
    questions = text_of(html, "questions")
    assert "truth: green base" in questions and "judge: not contained" in questions


def test_fewer_pictures_can_be_asked_for(root: Path) -> None:
    report, html = written(root, "base", "other", num_pictures=1)
    assert (report.num_cases, report.num_pictures, html.count("<img")) == (4, 1, 1)


def test_pictures_that_have_changed_are_left_out_and_told(tmp_path: Path) -> None:
    _shown(tmp_path)
    write_bytes_atomic(tmp_path / "1.png", (tmp_path / "0.png").read_bytes())
    report, html = written(tmp_path / "runs/desk", "base", "other")
    assert report.num_pictures == 3
    assert "1 pictures are no longer those that were asked about" in html


def test_lost_pictures_are_told_and_the_rest_is_written(tmp_path: Path) -> None:
    _shown(tmp_path)
    (tmp_path / "1.png").unlink()
    report, html = written(tmp_path / "runs/desk", "base", "other")
    assert (report.num_cases, report.num_pictures) == (4, 0)
    assert "without pictures" in text_of(html, "questions")


def test_seeds_of_a_variants_folder_are_pooled(root: Path) -> None:
    for variant, ids in (("base", ["0"]), ("other", ["0", "2"])):
        shown_run(root.parents[1], variant, seed=1, says=wrong_for(ids))
    report, html = written(root, "base", "other")
    headline = text_of(html, "headline")
    assert "over seeds [" in headline and "gained 1, lost 3, all seeds" in headline
    variants = find_variants([root / "base", root / "other"])
    assert [seed for seed in variants[0].runs] == [0, 1] and len(pairs(*variants)) == 2
    cases = benchmark_cases(variants, benchmark_figures(variants, "colors")).cases
    found = {case.id: case.kinds[1] for case in cases}
    assert found == {"0": ["wrong"], "1": ["gained"], "2": ["lost"], "3": ["lost"]}
    assert [case.id for case in cases if case.num_flips == 2] == ["2"]
    assert report.num_cases == 4


def test_right_at_one_seed_is_not_called_wrong_by_both(tmp_path: Path) -> None:
    for variant in ("base", "other"):
        shown_run(tmp_path, variant, seed=0, says=wrong_for(["0"]))
        shown_run(tmp_path, variant, seed=1, says=right)
    variants = find_variants([tmp_path / "runs/desk" / name for name in ("base", "other")])
    assert benchmark_cases(variants, benchmark_figures(variants, "colors")).cases == []


def test_what_is_reached_without_looking_stands_beside_the_score(root: Path) -> None:
    _, html = written(root, "base", "other")
    looking = text_of(html, "looking")
    assert "its own picture 77.8 %" in looking
    assert "another question's picture 0.0 %" in looking and "a grey picture 0.0 %" in looking
    assert "no picture at all" not in looking  # it was not asked
    assert "most frequent answer of each class" in looking


def test_losses_of_both_runs_lie_over_each_other_by_stage_and_source(root: Path) -> None:
    variants = find_variants([root / "base", root / "other"])
    stages = stage_curves(variants)
    assert [stage.stage for stage in stages] == ["pretrain", "resolution", "instruct"]
    total = stages[0].total
    assert [curve.label for curve in total.curves] == ["base", "other"]
    assert total.curves[1].last == pytest.approx(2 * total.curves[0].last)
    assert [chart.title for chart in stages[0].sources] == ["vqav2", "laion"]  # most samples first
    first, last = (
        [float(place.split()[1]) for place in curve.path[1:].split("L")] for curve in total.curves
    )
    assert first[-1] == 1000 and last[0] == 0  # the lowest loss at the bottom, the highest on top
    assert all(upper < lower for upper, lower in zip(last, first, strict=True))


def test_the_mix_is_in_shares_of_samples_and_tokens(root: Path) -> None:
    (mix, *_) = stage_mixes(find_variants([root / "base"]))
    assert [(name, bar.share, bar.token_share) for name, (bar,) in mix.sources] == [
        ("vqav2", 0.75, 0.5), ("laion", 0.25, 0.5),
    ]  # fmt: skip


def test_where_figures_come_from_is_told(root: Path) -> None:
    _, html = written(root, "base", "other")
    provenance = text_of(html, "provenance")
    for told in ("c0ffee", "changes that were not committed", "torch 2.6.0",
                 "eval/colors/predictions.jsonl", "first prompt"):  # fmt: skip
        assert told in provenance, told
    assert "300 s" in text_of(html, "cost")


def test_one_run_alone_is_shown_too(root: Path) -> None:
    report, html = written(root, "base/seed0")
    assert "nothing to compare it with" in html
    assert report.num_cases == 0 and report.sync is None


def test_runs_that_cant_be_compared_are_shown_with_the_reason(root: Path) -> None:
    files = ResultFiles(root / "other/seed0/eval/colors")
    write_json_atomic(files.scores_path, {**(files.scores() or {}), "judge": "gpt-4-0613"})
    _, html = written(root, "base", "other")
    headline = text_of(html, "headline")
    assert "Not compared" in headline and "gpt-4-0613" in headline


def test_a_benchmark_that_only_one_has_is_told(root: Path) -> None:
    shutil.rmtree(root / "other/seed0/eval")
    _, html = written(root, "base", "other")
    assert "not evaluated: other" in text_of(html, "headline")


def test_answers_that_nobody_judges_are_put_side_by_side(root: Path) -> None:
    for variant in ("base", "other"):
        files = ResultFiles(root / variant / "seed0/eval/colors")
        unjudged = {"judge": "none", "overall": None, "categories": {}}
        write_json_atomic(files.scores_path, {**(files.scores() or {}), **unjudged})
        files.verdicts_path.unlink()
    report, html = written(root, "base", "other")
    assert report.num_cases == 3  # where the two say different things
    assert "no verdicts within a run" in text_of(html, "headline")
    assert set(re.findall(r'data-kinds="([^"]*)"', html)) == {"open-1"}


def test_two_runs_of_different_seeds_can_be_held_against_each_other(root: Path) -> None:
    shown_run(root.parents[1], "base", seed=5, says=right)
    _, html = written(root, "base/seed0", "base/seed5")
    assert "base/seed5 against base/seed0" in text_of(html, "headline")
    assert "gained 2, lost 0" in text_of(html, "headline")


@pytest.mark.parametrize("names", [("nothing",), ("base", "base"), ("base", "base/seed0")])
def test_folders_without_runs_and_runs_named_twice_are_refused(
    root: Path, names: tuple[str, ...]
) -> None:
    with pytest.raises(LynxError, match=r"holds no run|named twice"):
        written(root, *names)
    assert not (root / "report.html").exists()


def test_how_offline_runs_are_published_is_told(root: Path) -> None:
    folder = root / "base/seed0/wandb/offline-run-20260101_000000-abc"
    folder.mkdir(parents=True)
    report, html = written(root, "base", "other")
    assert report.sync is not None and report.sync.command.endswith(str(folder))
    assert f"wandb sync \\\n  {folder}" in html
