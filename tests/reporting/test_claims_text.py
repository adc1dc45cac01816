"""What `lynx claims` prints of the paper's tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from lynx.reporting.claims_text import claims_text
from lynx.reporting.text import WIDTH
from tests.fabricated import cells


def words(line: str) -> list[str]:
    return line.split()


@pytest.fixture(scope="module")
def text() -> str:
    return claims_text()


def test_the_papers_ablations_are_weighed(text: str) -> None:
    image, video = (
        text.split(f"Tables 5 and 7, open_vqa_{kind}")[1] for kind in ("image", "video")
    )
    assert cells(image, "w/o diverse prompts") == words(
        "228/302 230 0.500 +7 -9 0.804 0.804 0.849 1.000 no data can support it"
    )
    assert cells(image, "w/ LLaMA")[-5:] == ["only", "if", "<=", "58", "flip"]
    assert cells(image, "w/ large-scale noisy data")[-5:] == ["alone", "if", "<=", "20", "flip"]
    # The totals allow 12 flips, but the categories show that 20 flipped at least.
    assert cells(image, "w/o high-resolution") == words(
        "222/302 230 0.008 +6 -14 0.115 0.231 0.453 1.000 no data can support it"
    )
    for row, most in (
        ("w/ LLaMA", 12), ("w/o diverse prompts", 20), ("w/ large-scale noisy data", 17),
        ("w/o high-resolution", 6),
    ):  # fmt: skip
        assert cells(video, row)[-5:] == words(f"only if <= {most} flip")


def test_the_papers_rivals_are_weighed(text: str) -> None:
    assert cells(text, "InstructBLIP ")[2] == "0.062"
    assert cells(text, "MiniGPT-4 ")[-3:] == ["supported", "even", "unpaired"]
    video = text.split("Table 2, open_vqa_video")[1]
    assert cells(video, "Ours (plug-and-play)")[-5:] == ["only", "if", "<=", "37", "flip"]


def test_wins_and_percentages_that_do_not_fit_are_told(text: str) -> None:
    owleval = text.split("OwlEval, against Ours")[1]
    assert cells(owleval, "w/ LLaMA") == ["42/82", "0.912"]
    assert cells(owleval, "w/o diverse prompts") == ["18/82", "<.001"]
    assert "224 px, OCR: no count of 53 is 55.6 %" in text
    assert "w/ LLaMA: the categories' 90/149 is 60.40 %, not 60.81 %, which is 90/148" in text


def test_every_category_is_there_on_request_and_all_fits_the_width(text: str) -> None:
    every = claims_text(all_categories=True)
    assert every.count("\nOCR ") > text.count("\nOCR ")
    assert "by category, 32 comparisons; in the other 29 no data can support" in text
    assert max(map(len, f"{text}\n{every}".split("\n"))) <= WIDTH


def test_a_file_of_another_paper_is_weighed_alone(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text("tables: {T: {base: A, n: 100, rows: {A: 90.0, B: 50.0}}}")
    text = claims_text(path)
    assert text.startswith("T, against A\n") and "Table 1" not in text
    assert cells(text, "B")[-3:] == ["supported", "even", "unpaired"]
