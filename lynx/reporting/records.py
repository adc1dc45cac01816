"""Reads the records that training leaves in a run's folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lynx.config.errors import LynxError


def read_record(path: Path) -> dict[str, Any] | None:
    """A JSON mapping; None where there is none, as in a folder that was handed on in parts."""
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise LynxError(f"{path} is not a record of training: {error}") from error
    if not isinstance(content, dict):
        raise LynxError(f"{path} is not a record of training: it holds no mapping")
    return content
