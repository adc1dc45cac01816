"""Copies the modules that an exported model is made of, so that it runs without the suite."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

MODULES = tuple(f"lynx.export.{name}_lynx" for name in ("configuration", "modeling", "processing"))


def write_code(folder: Path) -> None:
    """Write MODULES and all that they import of the suite into one flat folder."""
    for module, source in _with_imports(MODULES).items():
        text = source
        for imported in _imports(source):
            text = text.replace(f"from {imported} import", f"from .{_flat(imported)} import")
        (folder / f"{_flat(module)}.py").write_text(text, encoding="utf-8")


def _with_imports(modules: tuple[str, ...]) -> dict[str, str]:
    """Sources of the modules and of what they import of the suite, at any remove."""
    sources: dict[str, str] = {}
    waiting = [*modules]
    while waiting:
        module = waiting.pop()
        if module in sources:
            continue
        clash = [other for other in sources if _flat(other) == _flat(module)]
        assert not clash, f"{module} and {clash[0]} would be written to one file"
        sources[module] = _source(module)
        waiting += _imports(sources[module])
    return sources


def _imports(source: str) -> Iterator[str]:
    """Modules of the suite that a source imports, each once."""
    names = {
        node.module
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("lynx.")
    }
    return iter(sorted(names))


def _source(module: str) -> str:
    spec = find_spec(module)
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).read_text(encoding="utf-8")


def _flat(module: str) -> str:
    return module.rpartition(".")[2]
