"""Two runs side by side, from fabricated run folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from lynx.config.errors import LynxError
from lynx.evaluation.compare import compare_seeds
from lynx.evaluation.results import ResultFiles
from lynx.reporting.comparison import comparison_text, pairs_text
from lynx.reporting.text import WIDTH
from lynx.tracking.run_dir import RunDir
from tests.fabricated import below, cells, write_run, write_weights


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
    assert cells(text, "OCR")[-4:] == ["0", "24", "<.001", "differ"]
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
        "lost", "verdict",
    ]  # fmt: skip
    assert cells(text, "OCR")[6:] == ["[-411.2,", "+351.2]", "0", "24", "undecided"]
    assert "verdicts: of 2 seeds, training noise included" in text


def test_a_comparison_names_what_the_configurations_differ_in(pair: tuple[RunDir, RunDir]) -> None:
    assert (
        "what differs in config.yaml:\n"
        "  stages.resolution.image_size: 112 -> 56\n"
        "  stages.instruct.image_size: 112 -> 56\n\n"
    ) in comparison_text(*pair)
    assert "what differs in config.yaml:\n  nothing\n\n" in comparison_text(pair[0], pair[0])


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


def test_answers_of_earlier_weights_are_not_compared(pair: tuple[RunDir, RunDir]) -> None:
    write_weights(pair[1], b"trained again")
    with pytest.raises(LynxError, match=r"no benchmark in common.*\n.*other weights answered than"):
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
