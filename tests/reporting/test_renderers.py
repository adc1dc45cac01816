"""The four forms of a table, from one small document."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lynx.reporting.grid import Cell, Document, Grid, labels, paper
from lynx.reporting.renderers import rendered
from lynx.reporting.renderers.latex import escaped
from lynx.reporting.text import WIDTH

STALE = Cell("61.0 [58.1, 63.9]", "measured", ("desk/lynx/seed0/eval/b/scores.json",), 61.02,
             58.1, 63.9, is_stale=True)  # fmt: skip
GRID = Grid(
    header=((Cell(""), Cell("image_50%", span=2)), labels("row", "paper", "measured")),
    rows=(
        (Cell("a heading & more"),),
        (Cell("ours"), paper("76.16", 76.16), replace(STALE, is_stale=False)),
        (Cell("theirs|*", "reported"), paper("74.50", is_reported=True), Cell("-", "measured")),
        (Cell("old"), paper("-"), STALE),
    ),
    title="shares",
)
DOCUMENT = Document(
    name="table_1",
    title="Table 1, scale desk",
    notes=("judge: rule:v1",),
    blocks=(GRID, "plain <text>"),
    caption=("100 % & more",),
    stale=("lynx/seed0, b: code was a, is b",),
    unknown=("not known: x",),
)


def test_the_terminal_aligns_columns_and_marks_what_is_stale() -> None:
    assert rendered(DOCUMENT, "terminal") == "\n".join([
        "Table 1, scale desk",
        "judge: rule:v1",
        "",
        "shares",
        "          image_50%",
        "row           paper            measured",
        "a heading & more",
        "ours          76.16   61.0 [58.1, 63.9]",
        "theirs|*      74.50                   -",
        "old               -  61.0 [58.1, 63.9]†",
        "",
        "plain <text>",
        "",
        "100 % & more",
        "",
        "† out of date, as something that decides it has changed since it was measured:",
        "  lynx/seed0, b: code was a, is b",
        "not known: x",
    ])  # fmt: skip


def test_lines_wider_than_a_terminal_go_on_below() -> None:
    grid = Grid((labels("name", "text"),), (labels("a", "word " * 60),), left=frozenset({0, 1}),
                folded=1)  # fmt: skip
    wide = Document("x", "title", ("note " * 60,), (grid,))
    lines = rendered(wide, "terminal").split("\n")
    assert max(map(len, lines)) <= WIDTH
    assert sum(line.count("word") for line in lines) == 60


def test_markdown_has_one_header_row_and_shows_reported_rows_in_italics() -> None:
    lines = rendered(DOCUMENT, "markdown").split("\n")
    assert "| row | image\\_50% paper | image\\_50% measured |" in lines
    assert "| :-- | --: | --: |" in lines
    assert "| **a heading & more** |  |  |" in lines
    assert "| *theirs\\|\\** | *74.50* | - |" in lines
    assert "| old | - | 61.0 \\[58.1, 63.9\\]† |" in lines


def test_latex_escapes_everything_that_is_a_command_and_spans_columns() -> None:
    text = rendered(DOCUMENT, "latex")
    assert r" & \multicolumn{2}{c}{image\_50\%} \\" in text
    assert r"\multicolumn{3}{l}{\textbf{a heading \& more}} \\" in text
    assert r"\textit{theirs\textbar{}*} & \textit{74.50} & - \\" in text
    assert r"61.0 [58.1, 63.9]\textsuperscript{\dag} \\" in text
    for word in (r"\toprule", r"\midrule", r"\bottomrule", r"\label{tab:table-1}"):
        assert word in text
    assert escaped(r"a\b{c}$~^") == (
        r"a\textbackslash{}b\{c\}\$\textasciitilde{}\textasciicircum{}"
    )


def test_html_tells_reported_from_measured_shows_sources_and_greys_stale_cells() -> None:
    text = rendered(DOCUMENT, "html")
    assert '<td class="reported left">theirs|*</td><td class="reported">74.50</td>' in text
    assert 'class="measured stale" title="61.02 [58.1, 63.9]\ndesk/lynx/seed0/eval/b/scores' in text
    assert "<pre>plain &lt;text&gt;</pre>" in text
    assert '<td class="heading" colspan="3">a heading &amp; more</td>' in text
    assert "http" not in text  # nothing is loaded from elsewhere


def test_a_row_of_another_width_is_refused() -> None:
    with pytest.raises(ValueError, match="2 columns in a grid of 3"):
        Grid((labels("a", "b", "c"),), (labels("d", "e"),))
