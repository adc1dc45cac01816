"""Two runs side by side, from fabricated run folders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from lynx.cli.compare import claims as claims_command
from lynx.cli.compare import compare as compare_command
from lynx.config.errors import LynxError
from lynx.evaluation.compare import compare_seeds
from lynx.evaluation.results import Prediction, ResultFiles
from lynx.evaluation.scores import Scores
from lynx.reporting.cells import p_text
from lynx.reporting.comparison import comparison_text, pairs_text
from lynx.reporting.comparison_groups import find_named, groups_of, paired_runs
from lynx.reporting.text import WIDTH
from lynx.tracking.run_dir import RunDir
from tests.fabricated import below, cells, write_evaluation, write_run, write_weights


@pytest.fixture
def pair(tmp_path: Path) -> tuple[RunDir, RunDir]:
    base = write_run(tmp_path, variant="lynx", image=below(32), video=below(28))
    other = write_run(
        tmp_path, variant="low_resolution", video=below(36),
        image=lambda category, number: number < (8 if category == "OCR" else 32),
    )  # fmt: skip
    return base, other


def test_a_comparison_lists_flips_with_both_answers(pair: tuple[RunDir, RunDir]) -> None:
    text = comparison_text(*pair, num_flips=1)
    assert "lost (24)\n  q8 OCR: what is 8? [red] base: red | other: blue" in text
    assert "gained (16)" in text
    assert max(len(line) for line in text.split("\n\n", 1)[1].split("\n")) <= WIDTH


def test_every_category_has_its_questions_and_a_verdict(pair: tuple[RunDir, RunDir]) -> None:
    text = comparison_text(*pair)
    assert cells(text, "OCR")[0] == "40"
    assert cells(text, "OCR")[-5:] == ["0", "24", "<.001", "<.001", "differ"]
    assert cells(text, "Counting")[-1] == "undecided"
    assert "verdicts: of 1 seed, so training noise is not in them; of categories, corrected" in text


def test_several_seeds_have_an_interval_of_their_own_and_no_p(
    pair: tuple[RunDir, RunDir], tmp_path: Path
) -> None:
    more = [
        write_run(tmp_path, variant=run.path.parent.name, seed=1, image=below(9), video=below(9))
        for run in pair
    ]
    text = pairs_text(compare_seeds([pair, (more[0], more[1])], "open_vqa_image"))
    assert cells(text, "category") == [
        "n", "base", "%", "other", "%", "difference", "[95", "%]", "over", "seeds", "gained",
        "lost", "Holm", "verdict",
    ]  # fmt: skip
    assert cells(text, "OCR")[6:10] == ["[-411.2,", "+351.2]", "0", "24"]
    assert cells(text, "OCR")[-1] == "undecided"
    assert "verdicts: of 2 seeds, training noise included" in text


def test_a_comparison_names_what_the_configurations_differ_in(pair: tuple[RunDir, RunDir]) -> None:
    assert (
        "what differs in config.yaml:\n"
        "  stages.resolution.image_size: 112 -> 56\n"
        "  stages.instruct.image_size: 112 -> 56\n\n"
    ) in comparison_text(*pair)


def test_a_run_is_not_compared_with_itself_by_whatever_path(
    pair: tuple[RunDir, RunDir], tmp_path: Path
) -> None:
    run = pair[0].path
    other = write_run(tmp_path, variant="lynx", seed=1, image=below(9), video=below(9))
    (tmp_path / "link").symlink_to(run.parent)
    for same in (run, run / ".." / run.name, tmp_path / "link" / run.name):
        with pytest.raises(LynxError, match="is named twice"):
            comparison_text(pair[0], RunDir(same), other)


def test_two_seeds_of_a_variant_differ_in_the_seed(
    pair: tuple[RunDir, RunDir], tmp_path: Path
) -> None:
    other = write_run(tmp_path, variant="lynx", seed=1, image=below(9), video=below(9))
    assert "config.yaml:\n  seed: 0 -> 1\n\n" in comparison_text(pair[0], other)


def test_a_folder_that_is_no_run_is_told_what_one_looks_like(
    pair: tuple[RunDir, RunDir], tmp_path: Path
) -> None:
    with pytest.raises(LynxError, match=r"desk/lynx is no run folder.*<scale>/<variant>/seed<k>"):
        comparison_text(pair[0], RunDir(tmp_path / "desk" / "lynx"))
    with pytest.raises(
        LynxError, match=r"`low_resolutoin` is neither .*nearest is `low_resolution"
    ):
        find_named(["low_resolutoin"], tmp_path / "desk")


def test_answers_of_earlier_weights_are_not_compared(pair: tuple[RunDir, RunDir]) -> None:
    write_weights(pair[1], b"trained again")
    with pytest.raises(
        LynxError, match=r"no benchmark in common(.|\n)*other weights answered than"
    ):
        comparison_text(*pair)


@pytest.mark.parametrize("name", ["scores_path", "verdicts_path", "predictions_path"])
@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"a": 1}\n', '{"overall": {}, "categories": []}', "\ud800"]
)
def test_a_file_of_another_kind_is_named_and_what_to_do(
    pair: tuple[RunDir, RunDir], name: str, content: str
) -> None:
    path: Path = getattr(ResultFiles(pair[1].eval_dir("open_vqa_video")), name)
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(LynxError) as caught:
        comparison_text(*pair)
    assert str(path.parent) in str(caught.value) and "remove it" in str(caught.value)
    assert "'lynx evaluate'" in str(caught.value)


def test_a_missing_file_of_an_evaluation_is_named(pair: tuple[RunDir, RunDir]) -> None:
    ResultFiles(pair[1].eval_dir("open_vqa_video")).verdicts_path.unlink()
    with pytest.raises(LynxError, match=r"verdicts.jsonl .*No such file"):
        comparison_text(*pair)


def test_one_category_of_many_needs_more_than_it_would_alone(tmp_path: Path) -> None:
    base = write_run(tmp_path, variant="lynx", image=below(20), video=below(20))
    other = write_run(
        tmp_path, variant="low_resolution", video=below(20),
        image=lambda category, number: number < (14 if category == "OCR" else 20),
    )  # fmt: skip
    line = cells(comparison_text(base, other), "OCR")
    assert float(line[5].strip("]")) < 0 and line[-1] == "undecided"


OWN = {"plug_and_play": {"prompt": "Describe.", "source": "own"}}
ANOTHER = {"plug_and_play": {"prompt": "Describe.", "source": "another"}}


def seeds(
    folder: Path, variant: str, limits: dict[int, int], **options: object
) -> list[RunDir]:  # fmt: skip
    """Runs of a variant, right on the first so many questions of each category, by seed."""
    return [
        write_run(
            folder, variant=variant, seed=seed, image=below(20), video=below(limit),
            **options,  # type: ignore[arg-type]
        )
        for seed, limit in limits.items()
    ]  # fmt: skip


def change(run: RunDir, benchmark: str, how: Callable[[Prediction], Prediction]) -> None:
    files = ResultFiles(run.eval_dir(benchmark))
    files.finish(how(prediction) for prediction in files.predictions())


def test_a_variants_folder_means_all_its_seeds_which_are_pooled(tmp_path: Path) -> None:
    seeds(tmp_path, "lynx", {0: 20, 1: 22, 2: 21})
    seeds(tmp_path, "low_resolution", {0: 30, 1: 33, 2: 30, 5: 1})
    runs = find_named([str(tmp_path / "desk" / "lynx"), "low_resolution"], tmp_path / "desk")
    assert [(group.label, list(group.runs)) for group in groups_of(runs)] == [
        ("lynx", [0, 1, 2]), ("low_resolution", [0, 1, 2, 5]),
    ]  # fmt: skip
    text = comparison_text(*runs)
    assert "open_vqa_video, judge rule:v1, from lynx to low_resolution, 3 seeds" in text
    assert "and 3 seeds (here 3) would show the gap seen with 80 %, were it the true one" in text
    assert "  lynx: 2.7 questions flip between two of its seeds" in text
    assert "verdicts: of 3 seeds, training noise included" in text
    assert max(map(len, text.split("\n\n", 1)[1].split("\n"))) <= WIDTH


def test_variants_without_a_common_seed_are_not_paired(tmp_path: Path) -> None:
    runs = [*seeds(tmp_path, "lynx", {0: 1, 1: 2}), *seeds(tmp_path, "low_resolution", {2: 1})]
    with pytest.raises(LynxError, match="have no seed in common"):
        comparison_text(*runs)
    with pytest.raises(LynxError, match="name another run or variant to compare it with"):
        comparison_text(runs[0])


def test_holms_p_of_several_variants_is_over_all_of_them(tmp_path: Path) -> None:
    lynx = seeds(tmp_path, "lynx", {0: 20})
    better = seeds(tmp_path, "low_resolution", {0: 23})
    alone = cells(comparison_text(*lynx, *better).split("open_vqa_video")[1], "Overall")
    names = ("noisy_data", "llama_backbone", "no_diverse_prompts")
    others = [run for name in names for run in seeds(tmp_path, name, {0: 20})]
    both = cells(comparison_text(*lynx, *better, *others).split("open_vqa_video")[1], "Overall")
    # Six questions of 80 gained: p = 2 / 64, with each of 2 and of 8 comparisons.
    assert (alone[-3], alone[-2], alone[-1]) == ("0.031", "0.062", "undecided")
    assert (both[-3], both[-2], both[-1]) == ("0.031", "0.250", "undecided")


def test_what_no_ablation_sets_may_not_differ(tmp_path: Path) -> None:
    base = seeds(tmp_path, "lynx", {0: 20})
    other = seeds(tmp_path, "low_resolution", {0: 20}, video_protocol={"first_prompt": "Say."})
    with pytest.raises(
        LynxError,
        match=r"open_vqa_video: .*asked differently in first_prompt .* no ablation's diff sets",
    ):
        comparison_text(*base, *other)
    described = seeds(tmp_path, "noisy_data", {0: 20}, video_protocol=OWN)
    with pytest.raises(LynxError, match="asked differently in plug_and_play"):
        comparison_text(*base, *described)


def test_what_an_ablation_sets_is_named_and_compared(tmp_path: Path) -> None:
    base = seeds(tmp_path, "lynx", {0: 20})
    other = seeds(tmp_path, "plug_and_play", {0: 30}, video_protocol=OWN)
    text = comparison_text(*base, *other)
    assert "asked differently in: plug_and_play" in text
    assert "plug-and-play taken apart" not in text  # there is nothing to tell apart


def test_plug_and_play_is_taken_apart_by_whose_description_came_first(tmp_path: Path) -> None:
    runs = [
        *seeds(tmp_path, "lynx", {0: 10}),
        *seeds(tmp_path, "plug_and_play", {0: 30}, video_protocol=OWN),
        *seeds(tmp_path, "plug_and_play_another", {0: 14}, video_protocol=ANOTHER),
    ]
    for run in runs[1:]:
        change(run, "open_vqa_video", lambda p: replace(p, description="a red ball rolls"))
    text = comparison_text(*runs)
    audit = text.split("plug-and-play taken apart, open_vqa_video")[1]
    assert cells(audit, "none -> another")[0] == "+10.0"
    assert cells(audit, "another -> own")[0] == "+40.0"
    assert cells(audit, "none -> own")[0] == "+50.0"
    assert "mean words of the description: own 4.0, another 4.0" in audit
    assert "plug-and-play taken apart, open_vqa_image" not in text
    assert max(map(len, text.split("\n\n", 1)[1].split("\n"))) <= WIDTH


def test_what_the_pictures_add_is_printed_beside_each_run(pair: tuple[RunDir, RunDir]) -> None:
    write_evaluation(
        pair[0], "open_vqa_video@swapped", categories=("Action (Y/N)", "Others"),
        is_correct=lambda category, number: number < (8 if category == "Others" else 27),
    )  # fmt: skip
    text = comparison_text(*pair)
    line = next(line for line in text.split("\n") if line.startswith("  lynx, swapped:"))
    assert line.startswith("  lynx, swapped: +26.2 [")
    assert "    Action (Y/N) +2.5?, Others +50.0" in text


def test_benchmarks_that_are_judged_across_runs_have_their_lengths(
    pair: tuple[RunDir, RunDir],
) -> None:
    for run in pair:
        write_evaluation(run, "owleval", categories=("a",), is_correct=below(3))
        files = ResultFiles(run.eval_dir("owleval"))
        scores = Scores.from_json(files.scores() or {})
        unjudged = replace(scores, overall=None, categories={}, judge="none", format="owleval")
        files.write_scores(unjudged.as_json())
        files.verdicts_path.unlink()
    change(pair[1], "owleval", lambda p: replace(p, prediction="much longer than that"))
    text = comparison_text(*pair)
    block = text.split("owleval, from lynx to low_resolution: judged across runs")[1]
    assert cells(block, "  words")[:3] == ["1.0", "4.0", "+3.0"]


def test_mme_has_its_official_scores_by_image_beside_its_questions(
    pair: tuple[RunDir, RunDir],
) -> None:
    for run, limit in zip(pair, (10, 14), strict=True):
        write_evaluation(run, "mme", categories=("count", "OCR"), is_correct=below(limit))
        change(run, "mme", lambda p: replace(p, image_name=f"{int(p.id[1:]) // 2}.jpg"))
        files = ResultFiles(run.eval_dir("mme"))
        files.write_scores({**(files.scores() or {}), "format": "mme"})
    text = comparison_text(*pair).split("mme, judge")[1]
    # 10 and 14 of 40 questions, 5 and 7 of 20 images: 25 + 25 and 35 + 35.
    line = next(line for line in text.split("\n") if line.startswith("count") and "+2 -0" in line)
    assert line.split()[1:5] == ["20", "50.00", "70.00", "+20.0"]
    change(pair[0], "mme", lambda p: replace(p, image_name=""))
    assert "no official scores: mme: image 0 of count was asked 1 questions" in comparison_text(
        *pair
    )


def test_the_commands_print_comparisons_and_claims(
    pair: tuple[RunDir, RunDir], tmp_path: Path
) -> None:
    app = typer.Typer()
    app.command()(compare_command)
    app.command()(claims_command)
    said = CliRunner().invoke(app, ["compare", *(str(run.path) for run in pair), "--flips", "0"])
    assert said.exit_code == 0, said.output
    assert said.output.startswith(f"base:  {pair[0].path}\nother: {pair[1].path}\n")
    path = tmp_path / "t.yaml"
    path.write_text("tables: {T: {base: A, n: 302, rows: {A: 76.16, B: 75.50}}}")
    said = CliRunner().invoke(app, ["claims", str(path)])
    assert "T, against A" in said.output and "no data can support it" in said.output


def test_a_benchmark_that_one_run_lacks_is_named_with_the_run(tmp_path: Path) -> None:
    base = write_run(tmp_path, variant="lynx", image=below(9), video=below(9))
    other = write_run(tmp_path, variant="noisy_data", image=below(9), video=None)
    text = comparison_text(base, other)
    assert f"open_vqa_video is left out, as {other.path} has not answered it" in text
    other.eval_dir("open_vqa_image").rename(tmp_path / "elsewhere")
    with pytest.raises(LynxError, match=rf"open_vqa_image is left out, as {other.path} has not"):
        comparison_text(base, other)


def test_a_folder_of_another_name_takes_no_seeds_place(tmp_path: Path) -> None:
    runs = seeds(tmp_path, "lynx", {0: 1, 1: 2})
    renamed = RunDir(runs[0].path.parent / "best")
    runs[0].path.rename(renamed.path)
    other = seeds(tmp_path, "noisy_data", {0: 1, 1: 2})
    first = groups_of([runs[1], renamed, *other])[0]
    assert set(first.runs.values()) == {runs[1], renamed} and first.runs[1] == runs[1]
    assert len(paired_runs(*groups_of([runs[1], renamed, *other]))) == 1


def test_a_question_that_flips_at_several_seeds_is_listed_once_and_first(tmp_path: Path) -> None:
    base = seeds(tmp_path, "lynx", {0: 20, 1: 20})
    other = seeds(tmp_path, "noisy_data", {0: 22, 1: 21})
    part = comparison_text(*base, *other).split("gained (", 1)[1].split("\n\n")[0]
    lines = part.split("\n")
    assert lines[0] == "6 at 2 seeds, 4 questions)"
    assert [line.split(",")[0].strip() for line in lines[1:]] == [
        "at 2 of 2 seeds", "at 2 of 2 seeds", "at 1 of 2 seeds", "at 1 of 2 seeds",
    ]  # fmt: skip


def test_what_a_question_mark_means_is_said(pair: tuple[RunDir, RunDir]) -> None:
    assert "?: no more than noise" not in comparison_text(*pair)
    write_evaluation(
        pair[0], "open_vqa_video@swapped", categories=("Action (Y/N)", "Others"),
        is_correct=lambda category, number: number < (8 if category == "Others" else 27),
    )  # fmt: skip
    assert "  ?: no more than noise (Holm" in comparison_text(*pair)


def test_a_p_below_five_percent_is_not_printed_as_five_percent() -> None:
    assert [p_text(p) for p in (0.0004, 0.0494, 0.0496, 0.05)] == [
        "<.001", "0.049", "<.050", "0.050",
    ]  # fmt: skip
