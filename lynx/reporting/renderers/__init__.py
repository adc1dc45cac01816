"""Shows a Document in four forms: terminal, Markdown, LaTeX, HTML."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from lynx.reporting.grid import Document
from lynx.reporting.renderers.html import html_text
from lynx.reporting.renderers.latex import latex_text
from lynx.reporting.renderers.markdown import markdown_text
from lynx.reporting.renderers.terminal import terminal_text

Form = Literal["terminal", "markdown", "latex", "html"]
FORMS: dict[Form, Callable[[Document], str]] = {
    "terminal": terminal_text,
    "markdown": markdown_text,
    "latex": latex_text,
    "html": html_text,
}


def rendered(document: Document, form: Form) -> str:
    """The document in that form, without a newline at the end."""
    return FORMS[form](document)
