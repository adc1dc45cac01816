"""Gives what the paper prints of MME: Tables 6, 10 and 11."""

from __future__ import annotations

from lynx.reporting.paper_facts import facts

PERCEPTION, COGNITION = "Perception", "Cognition"
OVERALL = "Overall"  # Table 6's name of the sum


def models() -> list[str]:
    """The columns of Tables 10 and 11."""
    return list(facts("mme")["models"])


def lines() -> list[str]:
    """The rows of Tables 10 and 11: tasks by their printed names, a sum below its tasks."""
    tasks = facts("mme")["tasks"]
    found = [name for name, task in tasks.items() if task["group"] == "perception"]
    found.append(PERCEPTION)
    found += [name for name, task in tasks.items() if task["group"] == "cognition"]
    return [*found, COGNITION]


def measured_name(line: str) -> str:
    """The name under which a row is measured: of the published files, or "perception"."""
    task = facts("mme")["tasks"].get(line)
    return line.lower() if task is None else str(task["task"])


def num_images(line: str) -> int:
    """Pictures in the release."""
    tasks = facts("mme")["tasks"]
    if line in tasks:
        return int(tasks[line]["images"])
    return sum(one["images"] for one in tasks.values() if one["group"] == line.lower())


def scores(line: str) -> dict[str, float]:
    """A row of Table 10: the printed score by model."""
    printed = facts("mme")["scores"] | facts("mme")["sums"]
    return dict(zip(models(), printed[line], strict=True))


def printed_ranks(line: str) -> dict[str, int]:
    """A row of Table 11, as printed."""
    return dict(zip(models(), facts("mme")["ranks"][line], strict=True))


def cognition_columns() -> dict[str, str]:
    """Table 6's columns, and the row of Table 10 that each of them is."""
    return {**facts("mme")["cognition"]["columns"], OVERALL: COGNITION}


def cognition_scores(row: str) -> dict[str, float]:
    """A row of Table 6 by column."""
    return dict(facts("mme")["cognition"]["rows"].get(row, {}))
