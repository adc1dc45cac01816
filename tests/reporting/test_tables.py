"""Tables from fabricated run folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lynx.config.errors import LynxError
from lynx.evaluation.statistics import Difference, Interval
from lynx.reporting.comparison import comparison_text
from lynx.reporting.tables import ablation_report, table
from lynx.reporting.text import WIDTH
from lynx.reporting.verdict import verdict
from lynx.tracking.run_dir import RunDir
from tests.fabricated import write_run


def below(limit: int) -> Callable[[str, int], bool]:
    """Right for the first `limit` questions of each category."""
    return lambda category, number: number < limit


def cells(text: str, label: str) -> list[str]:
    """The words of the first line that starts with `label`, after it."""
    line = next(line for line in text.split("\n") if line.startswith(label))
    return line.removeprefix(label).split()


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    write_run(tmp_path, variant="lynx", image=below(32), video=below(28))
    write_run(tmp_path, variant="llama_backbone", image=below(26), video=below(28))
    write_run(
        tmp_path, variant="low_resolution", video=below(36),
        image=lambda category, number: number < (8 if category == "OCR" else 32),
    )  # fmt: skip
    return tmp_path


def test_table_5_puts_the_paper_beside_what_was_measured(runs: Path) -> None:
    text = table(5, scale="desk", output_dir=runs)
    assert "judge: rule:v1 (a string rule, not a language model; the paper: GPT-4)" in text
    assert "image: n = 320; video: n = 80" in text
    assert cells(text, "Ours ")[:4] == ["76.16", "80.0", "[75.3,", "84.0]"]
    assert cells(text, "w/ LLaMA")[:2] == ["70.86", "65.0"]
    assert cells(text, "w/ LLaMA")[-3:] == ["42/82", "-", "0"]
    assert cells(text, "w/ large-scale noisy data")[-2:] == ["not", "run"]
    assert cells(text, "Ours, swapped pictures")[:4] == ["-", "20.0", "-", "20.0"]
    assert cells(text, "most frequent answer")[:4] == ["-", "100.0", "-", "100.0"]


def test_table_5_compares_directions_with_the_paper(runs: Path) -> None:
    differences = table(5, scale="desk", output_dir=runs).split("difference to Ours")[1]
    assert cells(differences, "w/ LLaMA") == [
        "-5.30", "-15.0", "[-18.9,", "-10.9]", "agrees", "-5.41", "+0.0", "[-3.4,", "+3.4]",
        "undecided",
    ]  # fmt: skip
    assert cells(differences, "w/o high-resolution")[-1] == "opposite"
    assert cells(differences, "w/o diverse prompts") == ["-0.66", "-", "-", "-6.76", "-", "-"]


def test_table_7_finds_the_effect_in_its_category(runs: Path) -> None:
    text = table(7, scale="desk", output_dir=runs)
    block = text.split("w/o high-resolution (seeds: 0)")[1]
    assert cells(block, " paper ")[:3] == ["30/53", "20/37", "26/31"]
    assert cells(block, " measured")[:2] == ["20.0", "80.0"]
    assert cells(block, " paper diff")[0] == "-11.3"
    assert cells(block, " verdict")[:2] == ["agrees", "undecided"]
    assert cells(block, " swapped") == ["20.0"] * 9
    assert text.split("w/o diverse prompts (")[1].startswith("not run)")


def test_seeds_are_pooled_and_can_be_chosen(runs: Path) -> None:
    write_run(runs, variant="lynx", seed=1, image=below(16), video=below(28))
    both = table(5, scale="desk", output_dir=runs)
    assert cells(both, "Ours ")[1] == "60.0"
    assert cells(both, "Ours ")[-1] == "0,1"
    only = table(5, scale="desk", output_dir=runs, seeds=[1])
    assert cells(only, "Ours ")[1] == "40.0"
    assert cells(only, "w/ LLaMA")[-2:] == ["not", "run"]


def test_everything_printed_fits_the_terminal(runs: Path) -> None:
    base, other = (runs / "desk" / name / "seed0" for name in ("lynx", "low_resolution"))

    texts = [table(n, scale="desk", output_dir=runs) for n in (2, 5, 7)]
    texts.append(ablation_report([RunDir(base)], [RunDir(other)]))
    texts.append(comparison_text(RunDir(base), RunDir(other)).split("\n\n", 1)[1])
    assert max(len(line) for text in texts for line in text.split("\n")) <= WIDTH


def test_nothing_run_prints_the_papers_numbers_alone(tmp_path: Path) -> None:
    text = table(5, scale="desk", output_dir=tmp_path)
    assert "judge: none yet; image: not measured; video: not measured" in text
    assert cells(text, "Ours ")[:2] == ["76.16", "-"]


def test_rows_of_two_judges_do_not_stand_in_one_table(runs: Path) -> None:
    write_run(runs, variant="noisy_data", image=below(9), video=below(9), judge="gpt-4")
    with pytest.raises(LynxError, match="judged by gpt-4 and by rule:v1"):
        table(5, scale="desk", output_dir=runs)


def test_verdicts_that_could_not_be_read_are_told(tmp_path: Path) -> None:
    write_run(
        tmp_path, variant="lynx", judge="m", video=below(40),
        image=lambda category, number: None if number == 0 else True,
    )  # fmt: skip
    text = table(5, scale="desk", output_dir=tmp_path)
    assert "8 verdicts were neither yes nor no and count as wrong" in text
    assert "judge: m;" in text


def test_a_table_that_runs_cannot_fill_names_those_that_they_can(tmp_path: Path) -> None:
    with pytest.raises(LynxError, match=r"table 10 .* 2, 5, 7"):
        table(10, scale="desk", output_dir=tmp_path)


def test_plug_and_play_is_reported_against_table_2(runs: Path) -> None:
    base = write_run(runs, variant="lynx", image=below(32), video=below(20))
    other = write_run(
        runs, variant="plug_and_play", image=below(32), video=below(30),
        protocol={"plug_and_play": {"prompt": "describe"}},
    )  # fmt: skip
    text = ablation_report([base], [other])
    assert text.startswith("plug_and_play (Table 2): ")
    assert cells(text, "Ours (plug-and-play)")[:4] == ["-", "80.0", "[75.3,", "84.0]"]
    difference = text.split("difference to Ours")[1]
    assert cells(difference, "Ours (plug-and-play)")[-5:] == [
        "+8.79", "+25.0", "[+14.5,", "+34.3]", "agrees",
    ]  # fmt: skip
    assert cells(text.split("mean words of an answer")[1], "Ours ") == ["1.0", "1.0"]


def test_a_comparison_lists_flips_with_both_answers(runs: Path) -> None:

    base, other = (RunDir(runs / "desk" / n / "seed0") for n in ("lynx", "low_resolution"))
    text = comparison_text(base, other, num_flips=1)
    assert "lost (24)\n  q8 OCR: what is 8? [red] base: red | other: blue" in text
    assert "gained (16)" in text
    assert cells(text, "OCR")[-3:] == ["0", "24", "<.001"]


@pytest.mark.parametrize(
    ("delta", "low", "high", "expected"),
    [
        (-5.0, -0.2, -0.1, "agrees"), (5.0, -0.2, -0.1, "opposite"), (-5.0, -0.2, 0.1, "undecided"),
        (0.0, -0.2, -0.1, "undecided"), (None, -0.2, -0.1, "-"),
    ],
)  # fmt: skip
def test_verdicts(delta: float | None, low: float, high: float, expected: str) -> None:
    assert verdict(delta, Difference((low + high) / 2, Interval(low, high))) == expected
    assert verdict(-5.0, None) == "-"
