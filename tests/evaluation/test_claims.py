"""What counts alone support, against the figures worked out for the paper's tables by hand."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from scipy.stats import fisher_exact

from lynx.config.errors import LynxError
from lynx.evaluation.claims import (
    OVERALL,
    Row,
    Table,
    impossible,
    most_flips,
    signs,
    supports,
    supports_by_category,
    unpaired_p,
)
from lynx.evaluation.comparing.claim_files import read_tables
from lynx.evaluation.comparing.printed import Count, Percentage, counts_printed_as
from lynx.evaluation.statistics import mcnemar_exact


def table(base: dict[str, tuple[int, int]], other: dict[str, tuple[int, int]]) -> Table:
    rows = {
        name: Row(name, {key: Count(*pair) for key, pair in counts.items()}, {})
        for name, counts in (("Ours", base), ("other", other))
    }
    return Table("t", "Ours", rows, {})


@pytest.mark.parametrize(
    ("base", "other", "n", "best_p", "most", "unpaired"),
    [
        (230, 228, 302, 0.5, None, 0.85),
        (230, 225, 302, 0.0625, None, 0.64),
        (230, 214, 302, 3.05e-5, 58, 0.14),
        (230, 220, 302, 0.00195, 20, 0.35),
        (230, 222, 302, 0.0078, 12, 0.45),
        (98, 85, 148, 0.000244, 37, 0.12),
        (98, 90, 148, 0.0078, 12, 0.33),
        (98, 88, 148, 0.00195, 20, 0.23),
        (98, 89, 148, 0.0039, 17, 0.28),
        (98, 92, 148, 0.03125, 6, 0.47),
    ],
)
def test_the_papers_totals_allow_what_was_worked_out(
    base: int, other: int, n: int, best_p: float, most: int | None, unpaired: float
) -> None:
    (found,) = supports(table({"all": (base, n)}, {"all": (other, n)}))
    assert found.best_p == pytest.approx(best_p, rel=0.01)
    assert found.most_flips == most
    assert round(found.unpaired_p, 2) == unpaired
    assert found.unpaired_test == "z"
    assert found.finding == ("no data" if most is None else "only if")


@pytest.mark.parametrize(("base", "other", "n"), [(9, 2, 10), (12, 5, 14), (8, 1, 20), (4, 4, 9)])
def test_the_most_flips_are_those_of_every_possible_table_of_answers(
    base: int, other: int, n: int
) -> None:
    possible = [
        (gained, lost)
        for gained, lost in product(range(n + 1), repeat=2)
        if gained - lost == other - base and gained <= n - base and lost <= base
    ]
    convincing = [g + b for g, b in possible if mcnemar_exact(g, b) < 0.05]
    most, always = most_flips(Count(base, n), Count(other, n))
    assert most == (max(convincing) if convincing else None)
    assert always == (len(convincing) == len(possible))


def test_what_one_category_gains_and_another_loses_must_have_flipped() -> None:
    base, other = {"a": (20, 50), "b": (30, 50)}, {"a": (28, 50), "b": (14, 50)}
    (found,) = supports(table(base, other))
    assert (found.gained, found.lost) == (8, 16)
    assert found.best_p == mcnemar_exact(0, 8) < 0.05
    assert found.least_p == mcnemar_exact(8, 16) > 0.05
    assert found.finding == "no data"  # though the totals alone would allow it
    by_category = {one.category: one for one in supports_by_category(table(base, other))}
    assert by_category["b"].finding == "unpaired"
    assert by_category["a"].finding == "only if"


def test_holm_makes_a_claim_among_many_harder() -> None:
    rows = {"Ours": 98, **{f"v{i}": 92 for i in range(4)}}
    many = Table("t", "Ours", {n: Row(n, {"q": Count(c, 148)}, {}) for n, c in rows.items()}, {})
    assert [one.least_p for one in supports(many)] == [0.03125] * 4
    assert all(one.least_holm == pytest.approx(0.125) for one in supports(many))


def test_few_questions_are_tested_by_fisher() -> None:
    p, name = unpaired_p(Count(17, 20), Count(16, 20))
    assert (p, name) == (fisher_exact([[17, 3], [16, 4]]).pvalue, "Fisher")
    assert unpaired_p(Count(30, 53), Count(36, 53))[0] == pytest.approx(0.229, abs=0.001)


def test_wins_are_tested_by_sign() -> None:
    wins = {"LLaMA": Count(42, 82), "noisy": Count(38, 82), "prompts": Count(18, 82)}
    p = {one.row: one.p for one in signs(Table("t", "Ours", {}, wins))}
    assert round(p["LLaMA"], 2) == 0.91
    assert round(p["noisy"], 2) == 0.58
    assert p["prompts"] == pytest.approx(3e-7, rel=0.2)


@pytest.mark.parametrize(
    ("text", "n", "counts"),
    [
        ("55.6", 53, ()), ("56.6", 53, (30,)), ("67.9", 53, (36,)), ("76.16", 302, (230,)),
        ("60.81", 148, (90,)), ("60.81", 149, ()), ("100", 7, (7,)), ("33", 300, (98, 99, 100)),
        ("12.5", 8, (1,)), ("0.00", 9, (0,)),
    ],
)  # fmt: skip
def test_a_percentage_is_of_the_counts_that_are_printed_so(
    text: str, n: int, counts: tuple[int, ...]
) -> None:
    assert counts_printed_as(text, n) == counts


def test_a_percentage_of_other_questions_than_the_categories_is_found() -> None:
    counts = {"Action": Count(65, 109), "Others": Count(25, 40)}
    row = Row("LLaMA", counts, {OVERALL: Percentage("60.81", 149)})
    assert impossible(Table("t", "LLaMA", {"LLaMA": row}, {})) == [
        "LLaMA: the categories' 90/149 is 60.40 %, not 60.81 %, which is 90/148"
    ]
    right = Row("LLaMA", {**counts, "Action": Count(65, 108)}, {OVERALL: Percentage("60.81", 148)})
    assert impossible(Table("t", "LLaMA", {"LLaMA": right}, {})) == []


def test_a_file_of_tables_is_read_as_it_is_printed(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(
        "tables:\n"
        "  Table 9:\n"
        "    base: Ours\n"
        "    n: 302\n"
        "    rows:\n"
        "      Ours: {overall: 76.16, OCR: [36, 53], Others: [194, 249]}\n"
        "      B: {overall: 60.0, n: 50}\n"
        "      C: 74.50\n"
        "      D: {OCR: 55.6 of 53, Others: 20.1 % of 249}\n"
        "    wins: {B: [42, 82]}\n"
    )
    (found,) = read_tables(path)
    assert found.rows["Ours"].total == Count(230, 302)
    assert found.rows["B"].total == Count(30, 50)
    assert found.rows["C"].total == Count(225, 302)
    assert found.rows["D"].total is None
    assert found.rows["D"].count("Others") == Count(50, 249)
    assert found.wins == {"B": Count(42, 82)}
    assert [one.row for one in supports(found)] == ["C"]  # B is of other questions
    assert impossible(found) == [
        "D, OCR: no count of 53 is 55.6 %: 29/53 is 54.7 % and 30/53 is 56.6 %"
    ]


def test_a_percentage_that_several_counts_give_claims_nothing(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text("tables: {T: {base: A, n: 2374, rows: {A: 76.2, B: 74.5}}}")
    (found,) = read_tables(path)
    assert found.rows["A"].total is None and supports(found) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tabels: {}", "holds tabels, and should hold `tables` alone"),
        ("", "must be a mapping, not None"),
        ("tables: {T: {base: A, rows: {A: 76.1}}}", "`A`: `overall`: a percentage needs"),
        ("tables: {T: {base: Ours, rows: {Our: {O: [1, 2]}}}}", "`Ours`, which is no row; nearest"),
        ("tables: {T: {base: A, n: x, rows: {A: 3}}}", "`n`: 'x' must be a whole number"),
        ("tables: {T: {base: A, rows: {A: {OCR: [54, 53]}}}}", "54 of 53 can't be"),
        ("tables: {T: {base: A, rows: {A: {OCR: 36}}}}", r"must be \[right, questions\]"),
        ("tables: {T: {base: A, rows: {A: {OCR: [a, 3]}}}}", "'a' must be a whole number"),
        ("tables: {T: {base: A, n: 9, rows: {A: 176.1}}}", "no percentage between 0 and 100"),
        ("tables: {T: {base: A, n: 9, rows: {A: most}}}", "must be a percentage such as"),
        ("tables: {T: {base: A, n: 9, rows: {A: NaN}}}", "must be a percentage such as 76.16"),
        ("tables: {T: {bases: A, rows: {}}}", "unknown key `bases`; nearest is `base`"),
        ("tables: {T: {base: A}}", "`rows` is missing"),
        ("tables: {T: {base: A, rows: {A: {}}}}", "neither counts nor `overall`"),
        ("{", "not readable as YAML"),
        ("tables: {T: {base: [A], n: 9, rows: {A: 50}}}", "which is no row"),
        ("tables: {T: {base: A, n: 9, rows: {A: 7e1}}}", "a percentage such as 76.16"),
        ("tables: {T: {base: A, n: 9, rows: {A: -1}}}", "a percentage such as 76.16"),
        (
            f"tables: {{T: {{base: A, n: 1{'0' * 5000}, rows: {{A: 50}}}}}}",
            "more than a number of questions can be",
        ),
    ],
)
def test_a_malformed_file_is_refused_by_file_and_key(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(text)
    with pytest.raises(LynxError, match=rf"t\.yaml.*{message}"):
        read_tables(path)


def test_a_table_of_a_million_questions_takes_no_longer_than_one_of_a_hundred() -> None:
    most, always = most_flips(Count(500_000, 1_000_000), Count(501_500, 1_000_000))
    assert most is not None and not always
    surplus = 1_500
    assert mcnemar_exact((most + surplus) // 2, (most - surplus) // 2) < 0.05
    assert mcnemar_exact((most + surplus) // 2 + 1, (most - surplus) // 2 + 1) >= 0.05
