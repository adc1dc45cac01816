"""Adds generated phrasings to the YAML file of a prompt pool and leaves every other byte alone."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from lynx.config.errors import LynxError
from lynx.config.files import shown
from lynx.config.prompt_pools import Generated, pools_of
from lynx.tracking.files import write_bytes_atomic


def add_generated(path: Path, pool: str, entries: Sequence[Generated]) -> None:
    """Append `entries` to `pools.<pool>.generated`; comments and order stay.

    The new text is read and checked as all pools are before it takes the file's place; LynxError,
    and the file is as it was, where that fails.
    """
    old = path.read_bytes().decode("utf-8")  # read_text would change line ends
    new = with_generated(old, pool, entries)
    _check(old, new, pool, entries, path)
    write_bytes_atomic(path, new.encode("utf-8"))


def with_generated(text: str, pool: str, entries: Sequence[Generated]) -> str:
    """The text with a line for each entry; LynxError where the pool is not in block style."""
    newline = "\r\n" if "\r\n" in text else "\n"
    root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    keys = _keys(_keys(_keys(root)["pools"][1])[pool][1])
    if "generated" not in keys:
        key = keys["held_out"][0]
        margin = " " * key.start_mark.column
        block = newline.join([f"{margin}generated:", *_lines(entries, f"{margin}  ")])
        start = key.start_mark.index - key.start_mark.column
        return text[:start] + block + newline + text[start:]
    key, value = keys["generated"]
    if value.value and value.flow_style:
        raise LynxError(f"pools.{pool}.generated: write the list with a line for each entry")
    if value.value:
        margin = " " * value.start_mark.column
        position = _line_end(text, _end(value))
        return text[:position] + newline + newline.join(_lines(entries, margin)) + text[position:]
    lines = newline.join(_lines(entries, " " * (key.start_mark.column + 2)))
    start, end = key.end_mark.index, value.end_mark.index
    rest = text[end : _line_end(text, end)]  # a comment behind `[]`
    return f"{text[:start]}:{rest}{newline}{lines}{text[end + len(rest) :]}"


def _lines(entries: Sequence[Generated], margin: str) -> list[str]:
    """Quoted as in JSON, which YAML reads alike."""
    return [
        f"{margin}- {{"
        + ", ".join(f"{k}: {json.dumps(v, ensure_ascii=False)}" for k, v in asdict(one).items())
        + "}"
        for one in entries
    ]


def _keys(mapping: Any) -> dict[str, tuple[Any, Any]]:
    """Of each key of a mapping its own node and its value's."""
    return {key.value: (key, value) for key, value in mapping.value}


def _end(node: yaml.Node) -> int:
    """Where a node's text ends; the mark of a block is only where the next node begins."""
    if isinstance(node, yaml.CollectionNode) and node.value and not node.flow_style:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    end = len(text) if end < 0 else end
    return end - 1 if text[position:end].endswith("\r") else end


def _check(old: str, new: str, pool: str, entries: Sequence[Generated], path: Path) -> None:
    wanted = copy.deepcopy(yaml.safe_load(old))
    one = wanted["pools"][pool]
    one["generated"] = [*one.get("generated", []), *(asdict(entry) for entry in entries)]
    try:
        is_right = yaml.safe_load(new) == wanted
    except yaml.YAMLError:
        is_right = False
    if not is_right:
        raise LynxError(
            f"{shown(path)}: pools.{pool}: can't add to its `generated` and leave the rest as it "
            "is; write the pool with a line for each key and each phrasing"
        )
    with tempfile.TemporaryDirectory() as folder:
        copied = Path(folder) / path.name
        copied.write_bytes(new.encode("utf-8"))
        pools_of(copied, shown(path))
