"""Tables 1 to 4, 6, 10 to 13 from fabricated runs, ratings and recipes."""

from __future__ import annotations

from pathlib import Path

import pytest

from lynx.reporting.grid import Document
from lynx.reporting.renderers.terminal import terminal_text
from lynx.reporting.requests import OtherModel
from lynx.reporting.tables import table, table_document
from lynx.reporting.text import WIDTH
from tests.evaluation.people.sheets import make, make_store, rate_all
from tests.fabricated import below, cells, write_run
from tests.reporting.made_runs import NUM_IMAGES, write_battles, write_mme

BLIP = OtherModel("blip", "BLIP at home", {1: "InstructBLIP", 2: "InstructBLIP", 10: "BLIP2"},
                  note="the one with Vicuna")  # fmt: skip


def right(task: str, number: int, is_yes: bool) -> str:
    return "yes" if is_yes else "no"


def always_yes(task: str, number: int, is_yes: bool) -> str:
    return "Yes, it is."


def chatty(task: str, number: int, is_yes: bool) -> str:
    return "The answer is yes" if task == "OCR" else right(task, number, is_yes)


def section(text: str, start: str) -> str:
    return text.split(start, 1)[1]


def kinds(document: Document, label: str) -> list[str]:
    row = next(row for grid in document.grids for row in grid.rows if row[0].text == label)
    return [cell.kind for cell in row]


def test_table_1_puts_models_that_were_run_beside_those_that_are_only_reported(
    tmp_path: Path,
) -> None:
    write_run(tmp_path, variant="lynx", image=below(32), video=None)
    write_run(tmp_path, variant="blip", image=below(20), video=None)
    document = table_document(1, scale="desk", output_dir=tmp_path, others=[BLIP])
    text = terminal_text(document)
    assert cells(text, "InstructBLIP ")[:2] == ["74.50", "50.0"]
    assert cells(text, "MiniGPT-4 ") == ["59.27", "-", "not", "run"]
    assert kinds(document, "MiniGPT-4") == ["reported", "reported", "measured", "note"]
    assert kinds(document, "InstructBLIP") == ["label", "paper", "measured", "note"]
    difference = cells(text, "InstructBLIP, image")
    assert difference[:2] == ["-1.66", "-30.0"] and difference[-3:] == ["agrees", "(1", "seed)"]
    assert "InstructBLIP: the one with Vicuna" in text
    assert cells(text, "always yes") == ["-", "-"]  # yes is never right here


def test_a_model_without_a_row_of_the_paper_stands_below_those_that_have_one(
    tmp_path: Path,
) -> None:
    write_run(tmp_path, variant="lynx", image=below(32), video=None)
    write_run(tmp_path, variant="newer", image=below(36), video=None)
    others = [OtherModel("newer", "Newer"), OtherModel("absent", "Absent")]
    text = terminal_text(table_document(1, scale="desk", output_dir=tmp_path, others=others))
    assert cells(text, "Newer ")[:2] == ["-", "90.0"]
    assert "Absent" not in text


def test_table_2_says_who_described_first_in_the_paper(tmp_path: Path) -> None:
    write_run(tmp_path, variant="lynx", image=below(9), video=below(28))
    text = table(2, scale="desk", output_dir=tmp_path)
    assert "in the paper: Ours (plug-and-play), InstructBLIP, mPLUG-owl, MiniGPT-4" in text
    assert "Always saying yes answers 60 of the 108" in text


def test_table_6_finds_what_a_description_brings_and_what_chance_gives(tmp_path: Path) -> None:
    write_mme(tmp_path, "lynx", always_yes)
    write_mme(tmp_path, "plug_and_play", right)
    text = table(6, scale="desk", output_dir=tmp_path)
    base, star = text.split("Lynx* (seeds: 0)")
    assert cells(base, " measured") == ["50.00"] * 4 + ["200.00"]
    assert cells(base, " other, %") == ["0.0"] * 5
    assert cells(star, " measured") == ["200.00"] * 4 + ["800.00"]
    assert cells(star, " paper diff") == ["-7.14", "+37.50", "+32.50", "+32.50", "+95.36"]
    assert cells(star, " verdict") == ["opposite", "agrees", "agrees", "agrees", "agrees"]
    low, high = cells(base, " chance 95 %")[0].split("-")
    assert float(low) < 75 < float(high)


def test_table_10_tells_format_from_knowledge(tmp_path: Path) -> None:
    write_mme(tmp_path, "lynx", chatty)
    write_mme(tmp_path, "blip", right)
    text = terminal_text(table_document(10, scale="desk", output_dir=tmp_path, others=[BLIP]))
    assert "n = 112 pictures with two questions each (the release: 1187)" in " ".join(text.split())
    ours = section(text, "Ours (seeds: 0)")
    assert cells(ours, " OCR")[:1] == [str(NUM_IMAGES)]
    assert cells(ours, " OCR")[2:5] == ["100.0", "77.50", "0.00"]
    assert cells(section(text, "BLIP2 (seeds: 0)"), " OCR")[-1] == "agrees"


def test_table_11_ranks_only_models_that_were_measured(tmp_path: Path) -> None:
    assert "ranks need two models" in table(11, scale="desk", output_dir=tmp_path)
    write_mme(tmp_path, "lynx", chatty)
    write_mme(tmp_path, "blip", right)
    text = terminal_text(table_document(11, scale="desk", output_dir=tmp_path, others=[BLIP]))
    own = section(text, "ranks among those measured")
    assert cells(own, "OCR") == ["2", "1"]
    assert cells(own, "Count") == ["1", "2"]  # equal scores: the order of the columns


def test_table_3_gives_a_rating_with_its_interval_before_elo(tmp_path: Path) -> None:
    empty = table(3, scale="desk", output_dir=tmp_path)
    assert "nothing measured: `lynx head-to-head" in empty
    write_battles(
        tmp_path,
        {"lynx": lambda q: "a dog.", "plug_and_play": lambda q: "a long answer about a dog."},
    )
    text = table(3, scale="desk", output_dir=tmp_path)
    assert "judge: told" in text and "n = 12 instructions" in text
    star = cells(text, "Lynx(7B)* ")
    assert star[:4] == ["1078", "708", "15.15", "(132)"] and star[-1] == "6.0"
    assert float(star[4]) > float(cells(text, "Lynx(7B) ")[4])
    assert cells(section(text, "difference to Lynx(7B)"), "Lynx(7B)*")[0] == "+66"
    assert cells(section(text, "difference to Lynx(7B)"), "Lynx(7B)*")[-1] == "agrees"
    assert cells(text, "Otter")[-1] == "-"


def test_answers_that_changed_after_their_battles_make_the_rating_stale(tmp_path: Path) -> None:
    write_battles(tmp_path, {"lynx": lambda q: "a dog.", "plug_and_play": lambda q: "a big dog."})
    path = tmp_path / "desk/lynx/seed0/eval/visit_bench/predictions.jsonl"
    path.write_text(path.read_text("utf-8").replace("a dog.", "a cat."), "utf-8")
    text = table(3, scale="desk", output_dir=tmp_path)
    assert "lynx/seed0, visit_bench: other answers stand in its folder than those" in text
    assert "†" in next(line for line in text.split("\n") if line.startswith("Lynx(7B) "))


def rated(folder: Path, models: tuple[str, ...], scores: list[tuple[int, ...]]) -> None:
    store = make_store(folder / "desk/people/owleval.sqlite", make(len(scores), models=models))
    rate_all(store, "ana", scores)
    store.close()


def test_table_4_says_how_to_rate_and_then_who_was_preferred(tmp_path: Path) -> None:
    assert "no ratings yet: `lynx rate`" in table(4, scale="desk", output_dir=tmp_path)
    models = ("lynx/seed0", "blip/seed0")
    rated(tmp_path, models, [(5, 1)] * 9)
    other = OtherModel("blip", "InstructBLIP", {4: "InstructBLIP"})
    text = terminal_text(table_document(4, scale="desk", output_dir=tmp_path, others=[other]))
    assert "judge: 1 people, 9 finished questions" in text
    assert cells(text, "Ours")[:4] == ["4.13", "5.00", "[5.00,", "5.00]"]
    assert cells(text, "InstructBLIP")[-4:] == ["-2.09", "-4.00", "0-0-9", "agrees"]
    assert cells(text, "BLIP2")[:2] == ["2.34", "-"]


def test_the_owleval_column_of_table_5_comes_from_people(tmp_path: Path) -> None:
    write_run(tmp_path, variant="lynx", image=below(32), video=below(28))
    write_run(tmp_path, variant="llama_backbone", image=below(26), video=below(28))
    rated(tmp_path, ("lynx/seed0", "llama_backbone/seed0"), [(5, 1)] * 3 + [(2, 4)])
    text = table(5, scale="desk", output_dir=tmp_path)
    assert cells(text, "w/ LLaMA ")[-3:] == ["42/82", "1/4", "0"]
    assert "OwlEval, w/ LLaMA: judge people (1); won 1, lost 3, 0 ties of 4" in text


def test_table_12_has_the_papers_ratios_and_what_runs_were_given(tmp_path: Path) -> None:
    run = write_run(tmp_path, variant="lynx", image=None, video=None)
    path = run.stage_record_path("pretrain")
    path.parent.mkdir(parents=True)
    path.write_text('{"realised_mix": {"cc3m": 1, "vgqa": 3}}')
    text = table(12, scale="desk", output_dir=tmp_path)
    assert "50 datasets; realised by lynx, seeds: 0" in text
    assert cells(text, "CC3M")[-4:] == ["10.076", "25.000", "-", "-"]
    assert cells(text, "VGQA")[-4:] == ["8.711", "75.000", "10.880", "-"]
    assert cells(text, "all") == ["100.000", "100.000", "99.999", "-"]


def test_table_13_has_the_papers_prompt_of_each_dataset(tmp_path: Path) -> None:
    text = table(13, scale="desk", output_dir=tmp_path)
    assert "50 datasets" in text
    assert cells(text, "OKVQA")[:5] == ["{question}", "Give", "a", "short", "answer."]


@pytest.mark.parametrize("number", [3, 4, 6, 10, 11])
def test_measured_tables_fit_a_terminal(tmp_path: Path, number: int) -> None:
    write_battles(tmp_path, {"lynx": lambda q: "a dog.", "plug_and_play": lambda q: "a big dog."})
    for seed in (0, 1):
        write_mme(tmp_path, "lynx", chatty, seed=seed)
        write_mme(tmp_path, "plug_and_play", right, seed=seed)
    rated(tmp_path, ("lynx/seed0", "plug_and_play/seed0"), [(5, 1)] * 3)
    lines = table(number, scale="desk", output_dir=tmp_path).split("\n")
    assert max(map(len, lines)) <= WIDTH
