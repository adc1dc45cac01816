"""What the judge said about each answer, in its own words."""

from __future__ import annotations

import json

from lynx.evaluation.results import ResultFiles, unreadable


def replies(files: ResultFiles) -> dict[str, str]:
    """The judge's reply by question; empty where nobody judged. Raises LynxError if damaged."""
    path = files.verdicts_path
    if not path.is_file():
        return {}
    try:
        # Not splitlines(): a reply may hold a character that it takes for the end of a line.
        rows = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]
        return {row["id"]: str(row.get("reply") or "") for row in rows}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise unreadable(path, repr(error)) from error
