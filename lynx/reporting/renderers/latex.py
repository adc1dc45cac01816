"""Shows a Document as LaTeX tables in the style of booktabs."""

from __future__ import annotations

import re

from lynx.reporting.grid import Cell, Document, Grid, is_heading
from lynx.reporting.renderers.common import DAGGER, stale_lines

_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "±": r"$\pm$", "†": r"\textsuperscript{\dag}", "≥": r"$\geq$", "≤": r"$\leq$", "×": r"$\times$",
    "−": "$-$", "…": r"\dots{}",
}  # fmt: skip
_PATTERN = re.compile("|".join(map(re.escape, _SPECIAL)))
# In running text "[1, 2]" is a text; at the start of a row TeX takes it for the option of \\.
_OPTION = re.compile(r"^\[")


def latex_text(document: Document) -> str:
    r"""One table float; needs \usepackage{booktabs} and T1 fonts."""
    parts = [r"% needs \usepackage[T1]{fontenc} and \usepackage{booktabs}"]
    parts += [r"\begin{table}", r"\centering", r"\small"]
    for block in document.blocks:
        parts.append(_verbatim(block) if isinstance(block, str) else _tabular(block))
    parts += [rf"\caption{{{_caption(document)}}}", rf"\label{{tab:{_label(document)}}}"]
    return "\n".join([*parts, r"\end{table}"])


def _tabular(grid: Grid) -> str:
    shape = "".join("l" if number in grid.left else "r" for number in range(grid.num_columns))
    lines = [rf"\begin{{tabular}}{{{shape}}}", r"\toprule"]
    if grid.title:
        lines += [_across(grid, escaped(grid.title)), r"\midrule"]
    lines += [_row(row) for row in grid.header]
    lines += [r"\midrule"]
    for row in grid.rows:
        lines.append(_across(grid, _cell(row[0])) if is_heading(row) else _row(row))
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\par\medskip"])


def _row(row: tuple[Cell, ...]) -> str:
    texts = [
        _cell(cell) if cell.span == 1 else rf"\multicolumn{{{cell.span}}}{{c}}{{{_cell(cell)}}}"
        for cell in row
    ]
    return " & ".join(texts) + r" \\"


def _across(grid: Grid, text: str) -> str:
    return rf"\multicolumn{{{grid.num_columns}}}{{l}}{{\textbf{{{text}}}}} \\"


def _cell(cell: Cell) -> str:
    text = _OPTION.sub("{[}", escaped(cell.text))
    text = rf"\textit{{{text}}}" if cell.kind == "reported" and text else text
    return text + (_SPECIAL[DAGGER] if cell.is_stale else "")


def _caption(document: Document) -> str:
    lines = [document.title, *document.notes, *document.caption, *stale_lines(document)]
    return " ".join(escaped(line.strip()) for line in lines)


def _label(document: Document) -> str:
    return re.sub(r"[^a-z0-9]+", "-", document.name.lower()).strip("-")


def _verbatim(text: str) -> str:
    return "\n".join([r"\begin{verbatim}", text, r"\end{verbatim}"])


def escaped(text: str) -> str:
    """The text with everything that TeX would take for a command written out."""
    return _PATTERN.sub(lambda match: _SPECIAL[match[0]], text)
