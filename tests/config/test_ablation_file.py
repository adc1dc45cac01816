"""What is found wrong with an ablation's file before anything is composed or trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lynx.config.ablation import ablation_names, list_ablations, load_ablation
from lynx.config.errors import LynxError

Write = Callable[..., str]


def write(root: Path, paper: str, *, base: str = "lynx", question: str = "Does it?") -> None:
    text = f"base: {base}\npaper: {paper}\nquestion: {question}\ndiff: {{optimizer.eps: 1}}\n"
    (root / "ablations" / "tried.yaml").write_text(text)


@pytest.mark.parametrize(
    ("paper", "reason"),
    [
        ("{tabel: 5, row: x}", "`paper`: unknown key `tabel`; nearest is `table`"),
        ("{table: 5, rows: x}", "`paper`: unknown key `rows`; nearest is `row`"),
        ("{table: 5, row: x, page: 3}", "`paper`: unknown key `page`"),
        ("{table: 5}", "`paper`: `row` is missing; the keys are table, row"),
        ('{table: "5", row: x}', "`paper.table` must be a number, not '5'"),
        ("{table: yes, row: x}", "`paper.table` must be a number, not True"),
        ("{table: 5, row: 3}", "`paper.row` must be a text, not 3"),
        ("{table: 5, row: no}", "`paper.row` must be a text, not False"),
        ("[5, x]", "`paper` must be a mapping of table, row, not"),
    ],
)
def test_the_papers_row_has_a_table_and_a_row(root: Path, paper: str, reason: str) -> None:
    write(root, paper)
    with pytest.raises(LynxError, match=rf"ablations/tried\.yaml: {reason}"):
        load_ablation("tried")


def test_base_and_question_are_texts(root: Path) -> None:
    write(root, "{table: 5, row: x}", base="5")
    with pytest.raises(LynxError, match="`base` must be a text, not 5"):
        load_ablation("tried")
    write(root, "{table: 5, row: x}", question="[Why?]")
    with pytest.raises(LynxError, match="`question` must be a text"):
        load_ablation("tried")


def test_an_ablation_can_not_look_like_a_variant_with_overrides(write_ablation: Write) -> None:
    write_ablation("optimizer.eps: 1", name="no_prompts+abcdef")
    with pytest.raises(LynxError, match=r"ablations/no_prompts\+abcdef\.yaml: `\+` can't stand"):
        load_ablation("no_prompts+abcdef")


def test_an_ablation_can_not_have_the_name_of_an_experiment(write_ablation: Write) -> None:
    write_ablation("optimizer.eps: 1", name="lynx")
    with pytest.raises(
        LynxError, match=r"ablations/lynx\.yaml: experiments/lynx\.yaml has the same"
    ):
        load_ablation("lynx")


def test_two_ablations_can_not_answer_one_row(write_ablation: Write) -> None:
    write_ablation("optimizer.eps: 1", name="one")
    write_ablation("optimizer.eps: 2", name="other")
    with pytest.raises(
        LynxError,
        match=r"ablations/other\.yaml: .*row `none` of table 5, as ablations/one\.yaml does",
    ):
        list_ablations()


def test_a_malformed_file_is_in_no_other_ablations_way(root: Path) -> None:
    (root / "ablations" / "broken.yaml").write_text("[")
    assert load_ablation("noisy_data").base == "lynx"
    assert {"broken", "noisy_data"} <= set(ablation_names())


@pytest.mark.parametrize(
    ("diff", "reason"),
    [
        ("stages.pretrain: {}", "`stages.pretrain` is an empty mapping, which changes nothing"),
        ("evaluation: {benchmarks: {}}", "`evaluation.benchmarks` is an empty mapping"),
        (
            "{stages.pretrain.steps: 10, stages: {pretrain: {steps: 20}}}",
            "`stages.pretrain.steps` is given twice, 10 and 20",
        ),
    ],
)
def test_a_diff_says_each_key_once_and_says_something(
    write_ablation: Write, diff: str, reason: str
) -> None:
    write_ablation(diff)
    with pytest.raises(LynxError, match=rf"ablations/tried\.yaml: {reason}"):
        load_ablation("tried")


def test_a_diff_is_a_mapping(root: Path) -> None:
    path = root / "ablations" / "tried.yaml"
    path.write_text("base: lynx\npaper: {table: 5, row: x}\nquestion: Why?\ndiff: [a]\n")
    with pytest.raises(LynxError, match=r"`diff` must be a mapping of keys to values, not \['a'\]"):
        load_ablation("tried")
