"""Fills the templates: everything that a report says, as one HTML text without outside parts."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup


def render(content: Mapping[str, Any]) -> str:
    """The page; all values are escaped, as answers are texts that nobody has looked through."""
    environment = Environment(
        loader=PackageLoader("lynx.reporting.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("report.html")
    return template.render({**content, "css": _asset("report.css"), "js": _asset("report.js")})


def _asset(name: str) -> Markup:
    """Our own text, which needs no escaping."""
    return Markup((files(__package__) / "assets" / name).read_text("utf-8"))
