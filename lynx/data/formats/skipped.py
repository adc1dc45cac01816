"""Counts what a reader leaves out, by reason, and keeps an example of each reason."""

from __future__ import annotations

from collections import Counter


class Skipped(Counter[str]):
    """How often something was left out, by reason; `examples` has the first of each reason."""

    def __init__(self) -> None:
        super().__init__()
        self.examples: dict[str, str] = {}


def skip(skipped: Counter[str], reason: str, example: object, count: int = 1) -> None:
    """Count what is left out; example: the path, key or text that a person would look for."""
    skipped[reason] += count
    if count and isinstance(skipped, Skipped):
        text = str(example).encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
        skipped.examples.setdefault(reason, text)


def skipped_lines(counts: Counter[str]) -> list[str]:
    """A line for each reason, the most frequent first, with its example where there is one."""
    examples = counts.examples if isinstance(counts, Skipped) else {}
    return [
        f"{count} {reason}" + (f", such as {examples[reason]}" if reason in examples else "")
        for reason, count in counts.most_common()
    ]
