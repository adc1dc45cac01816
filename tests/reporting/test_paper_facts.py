"""The paper's numbers, checked against each other."""

from __future__ import annotations

import pytest

from lynx.config.ablation import list_ablations
from lynx.config.errors import LynxError
from lynx.reporting.paper_facts import base_row, paper_row, row_names, totals


@pytest.mark.parametrize("table", [1, 2, 5, 7])
def test_printed_percentages_are_the_sums_of_the_categories(table: int) -> None:
    for name in row_names(table):
        row = paper_row(table, name)
        for benchmark, counts in row.counts.items():
            assert list(counts) == list(totals(benchmark))
            share = sum(counts.values()) / sum(totals(benchmark).values())
            assert round(100 * share, 2) == row.percent(benchmark), (name, benchmark)


def test_tables_that_print_the_same_run_agree() -> None:
    ours = base_row(5)
    assert base_row(7) == ours
    assert paper_row(1, "Ours").counts["open_vqa_image"] == ours.counts["open_vqa_image"]
    with_description = paper_row(2, "Ours (plug-and-play)")
    assert with_description.counts["open_vqa_video"] == ours.counts["open_vqa_video"]


def test_cells_are_printed_as_in_the_paper() -> None:
    row = paper_row(5, "w/ LLaMA")
    assert row.printed("open_vqa_image") == "70.86"
    assert row.printed("open_vqa_image", "OCR") == "33/53"
    assert row.printed("another_benchmark") == "-"
    assert row.owleval_win == 42


def test_every_ablation_names_a_row_that_the_paper_has() -> None:
    for ablation in list_ablations():
        assert paper_row(ablation.paper["table"], ablation.paper["row"]), ablation.name


def test_an_unknown_row_lists_those_there_are() -> None:
    with pytest.raises(LynxError, match=r"no row 'w/o LLaMA'.*w/ LLaMA"):
        paper_row(5, "w/o LLaMA")
