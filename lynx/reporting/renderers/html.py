"""Shows a Document as one self-contained page of HTML."""

from __future__ import annotations

from html import escape

from lynx.reporting.grid import Cell, Document, Grid, is_heading
from lynx.reporting.renderers.common import DAGGER, stale_lines

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1b1f24; margin: 2rem auto; padding: 0 1rem;
  max-width: 75rem; background: #fff; }
h1 { font-size: 1.3rem; } h2 { font-size: 1.05rem; margin: 1.6rem 0 .4rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; margin: .6rem 0 1.2rem; }
thead { border-top: 2px solid #1b1f24; border-bottom: 1px solid #1b1f24; }
tbody { border-bottom: 2px solid #1b1f24; }
th, td { padding: .2rem .7rem; text-align: right; white-space: nowrap; }
th.left, td.left { text-align: left; } th { font-weight: 600; }
td.heading { text-align: left; font-weight: 600; padding-top: .7rem; }
td.paper { color: #57606a; }
td.reported { color: #6b4e00; background: #fff8e5; font-style: italic; }
td.measured { color: #0b3d91; } td.delta { color: #0b3d91; } td.verdict { font-weight: 600; }
td.stale { color: #9aa0a6; background: #f0f1f2; font-weight: 400; }
ul { padding-left: 1.2rem; } .key span { padding: .1rem .5rem; margin-right: .6rem; }
.key .reported { color: #6b4e00; background: #fff8e5; font-style: italic; }
.key .measured { color: #0b3d91; } .key .paper { color: #57606a; }
.key .stale { color: #9aa0a6; background: #f0f1f2; }
pre { background: #f6f8fa; padding: .7rem; overflow-x: auto; }
@media print { body { margin: 0; } }
"""
_KEY = (
    '<p class="key"><span class="measured">measured here</span>'
    '<span class="paper">printed in the paper, beside ours</span>'
    '<span class="reported">reported by the paper alone: not run here</span>'
    f'<span class="stale">out of date {DAGGER}</span></p>'
)


def html_text(document: Document) -> str:
    """A whole page; the files behind a cell show when the pointer rests on it."""
    title = escape(document.title or document.name)
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}</title><style>{_STYLE}</style></head><body>",
            fragment(document),
            "</body></html>",
        ]
    )


def fragment(document: Document) -> str:
    """What stands in the page's body, for pages that hold more than one table."""
    parts = [f"<h1>{escape(document.title)}</h1>"] if document.title else []
    parts += [_list(document.notes)] if document.notes else []
    parts += [_KEY]
    for block in document.blocks:
        parts.append(f"<pre>{escape(block)}</pre>" if isinstance(block, str) else _grid(block))
    parts += [_list(lines) for lines in (document.caption, stale_lines(document)) if lines]
    return "\n".join(parts)


def _grid(grid: Grid) -> str:
    lines = [f"<h2>{escape(grid.title)}</h2>"] if grid.title else []
    lines += ['<div class="scroll"><table>', "<thead>"]
    lines += [_row(grid, row, tag="th") for row in grid.header]
    lines += ["</thead>", "<tbody>"]
    for row in grid.rows:
        if is_heading(row):
            text = _text(row[0])
            lines.append(f'<tr><td class="heading" colspan="{grid.num_columns}">{text}</td></tr>')
        else:
            lines.append(_row(grid, row, tag="td"))
    return "\n".join([*lines, "</tbody>", "</table></div>"])


def _row(grid: Grid, row: tuple[Cell, ...], *, tag: str) -> str:
    cells, place = [], 0
    for cell in row:
        names = [cell.kind, *(["left"] if place in grid.left else [])]
        names += ["stale"] if cell.is_stale else []
        span = f' colspan="{cell.span}"' if cell.span > 1 else ""
        shown = f' title="{escape(_title(cell))}"' if _title(cell) else ""
        cells.append(f'<{tag} class="{" ".join(names)}"{span}{shown}>{_text(cell)}</{tag}>')
        place += cell.span
    return f"<tr>{''.join(cells)}</tr>"


def _text(cell: Cell) -> str:
    return escape(cell.text.strip()) + (f"&nbsp;{DAGGER}" if cell.is_stale else "")


def _title(cell: Cell) -> str:
    """What the pointer shows: the unrounded figure and the files it comes from."""
    lines = []
    if cell.value is not None:
        lines.append(f"{cell.value:.6g}")
        if cell.low is not None and cell.high is not None:
            lines[-1] += f" [{cell.low:.6g}, {cell.high:.6g}]"
    return "\n".join([*lines, *cell.sources])


def _list(lines: tuple[str, ...] | list[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(line.strip())}</li>' for line in lines)}</ul>"
