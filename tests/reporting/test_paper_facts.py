"""The paper's numbers, checked against each other."""

from __future__ import annotations

import pytest

from lynx.config.ablation import list_ablations
from lynx.config.errors import LynxError
from lynx.evaluation.benchmarks.mme_scoring import ranks
from lynx.reporting import mme_facts
from lynx.reporting.paper_facts import base_row, facts, paper_row, row_names, totals


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


def test_every_ablation_names_rows_that_the_paper_has() -> None:
    for ablation in list_ablations():
        for place in ablation.paper_rows:
            assert paper_row(place["table"], place["row"]), ablation.name


def test_printed_ranks_follow_from_printed_scores_with_ties_in_the_order_of_columns() -> None:
    assert len(mme_facts.lines()) == 16
    for line in mme_facts.lines():
        assert ranks(mme_facts.scores(line)) == mme_facts.printed_ranks(line), line


def test_mme_sums_are_those_of_the_tasks_but_for_what_the_paper_rounded() -> None:
    names = [name for name in mme_facts.lines() if name not in ("Perception", "Cognition")]
    for sum_name, parts in (("Perception", names[:10]), ("Cognition", names[10:])):
        for model, printed in mme_facts.scores(sum_name).items():
            total = sum(mme_facts.scores(part)[model] for part in parts)
            assert total == pytest.approx(printed, abs=0.0101), (model, sum_name)
    assert mme_facts.num_images("Perception") + mme_facts.num_images("Cognition") == 1187


def test_table_6_is_table_10s_column_and_its_rows_add_up() -> None:
    columns = mme_facts.cognition_columns()
    for name, line in columns.items():
        ours = mme_facts.scores(line)["Ours"]
        assert mme_facts.cognition_scores("Lynx")[name] == ours, name
    for row in ("Lynx", "Lynx*"):
        scores = mme_facts.cognition_scores(row)
        assert sum(v for k, v in scores.items() if k != "Overall") == pytest.approx(
            scores["Overall"]
        )


def test_table_3s_wins_are_whole_numbers_and_its_rows_stand_by_elo() -> None:
    rows = facts("visit_bench")["rows"]
    assert [row["elo"] for row in rows] == sorted((row["elo"] for row in rows), reverse=True)
    for row in rows[1:]:
        wins = round(row["win"] * row["ratings"] / 100)
        assert round(100 * wins / row["ratings"], 2) == row["win"], row["row"]


def test_every_table_of_models_has_its_base_among_its_rows() -> None:
    for table in (1, 2, 3, 4, 5, 6, 7, 10, 11):
        assert base_row(table).name in row_names(table)


def test_an_unknown_row_lists_those_there_are() -> None:
    with pytest.raises(LynxError, match=r"no row 'w/o LLaMA'.*w/ LLaMA"):
        paper_row(5, "w/o LLaMA")
