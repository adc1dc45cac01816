"""Reads and writes battles as the leaderboard's code does: head2head.json."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lynx.config.errors import LynxError
from lynx.evaluation.head_to_head.battles import Battle, Said
from lynx.evaluation.head_to_head.schedule import REFERENCE
from lynx.tracking.files import write_text_atomic

_TEXTS = ("A_model", "B_model", "A", "B", "image_url", "instruction", "instruction_category")


def read_head_to_head(path: Path) -> list[Battle]:
    """Read battles; the leaderboard's files don't tell a tie from an unparseable reply.

    Raises LynxError, with file and entry, for anything that its code would count as something else
    than it is: a verdict for a third model, a model against itself, a missing key.
    """
    try:
        content = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise LynxError(f"can't read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise LynxError(f"{path} is no JSON ({error})") from error
    if not isinstance(content, list):
        raise LynxError(f"{path}: a list of battles is needed, not {type(content).__name__}")
    return [_battle(row, f"{path}: entry {i}") for i, row in enumerate(content, start=1)]


def write_head_to_head(
    path: Path, battles: Sequence[Battle], *, engine: str, sees_reference: bool
) -> None:
    """Write battles for the leaderboard's code; engine: the judge, and what it was shown."""
    rows = [_row(battle, engine, sees_reference) for battle in battles]
    write_text_atomic(path, json.dumps(rows, ensure_ascii=False) + "\n")


def _battle(row: Any, where: str) -> Battle:
    if not isinstance(row, Mapping):
        raise LynxError(f"{where}: a battle is a mapping, not {type(row).__name__}")
    for key in _TEXTS:
        if not isinstance(row.get(key), str):
            raise LynxError(f"{where}: '{key}' must be a text, not {row.get(key)!r}")
    names = {row["A_model"]: "a", row["B_model"]: "b", "tie": "tie"}
    if len(names) != 3:
        raise LynxError(f"{where}: A_model and B_model must be two different models")
    results = row.get("auto_evaluation_result")
    if not isinstance(results, list) or not results:
        raise LynxError(f"{where}: 'auto_evaluation_result' must list the verdicts")
    verdicts: list[Said] = []
    for result in results:
        if not isinstance(result, str) or result not in names:
            raise LynxError(
                f"{where}: a verdict is '{row['A_model']}', '{row['B_model']}' or 'tie', "
                f"not {result!r}"
            )
        verdicts.append(names[result])  # type: ignore[arg-type]
    first, replies = _thoughts(row, names, len(verdicts), where)
    return Battle(
        question=f"{row['image_url']} {row['instruction']}",
        category=row["instruction_category"],
        image_name=row["image_url"],
        instruction=row["instruction"],
        model_a=row["A_model"],
        model_b=row["B_model"],
        answer_a=row["A"],
        answer_b=row["B"],
        reference=str(row.get("reference") or ""),
        verdicts=tuple(verdicts),
        replies=replies,
        shown_first=first,
    )


def _thoughts(
    row: Mapping[str, Any], names: Mapping[str, str], number: int, where: str
) -> tuple[tuple[Said, ...], tuple[str, ...]]:
    """Who was shown first for each verdict, and the judge's reply, where the file tells."""
    thoughts = row.get("auto_evaluation_cot")
    if thoughts is None:
        return tuple("ab"[i % 2] for i in range(number)), ("",) * number  # type: ignore[misc]
    if not isinstance(thoughts, list) or len(thoughts) != number:
        raise LynxError(f"{where}: 'auto_evaluation_cot' must hold one reply per verdict")
    first: list[Said] = []
    for thought in thoughts:
        name = thought.get("A_model_in_cot") if isinstance(thought, Mapping) else None
        if not isinstance(name, str) or names.get(name) not in ("a", "b"):
            raise LynxError(f"{where}: 'A_model_in_cot' must be one of the two models")
        first.append(names[name])  # type: ignore[arg-type]
    return tuple(first), tuple(str(thought.get("cot") or "") for thought in thoughts)


def _row(battle: Battle, engine: str, sees_reference: bool) -> dict[str, Any]:
    names = {"a": battle.model_a, "b": battle.model_b}
    other = {"a": battle.model_b, "b": battle.model_a}
    return {
        "A_model": battle.model_a,
        "B_model": battle.model_b,
        "A": battle.answer_a,
        "B": battle.answer_b,
        "auto_evaluation_result": [names.get(verdict, "tie") for verdict in battle.verdicts],
        "auto_evaluation_cot": [
            {"A_model_in_cot": names[first], "B_model_in_cot": other[first], "cot": reply}
            for first, reply in zip(battle.shown_first, battle.replies, strict=True)
        ],
        "image_url": battle.image_name,
        "instruction": battle.instruction,
        "instruction_category": battle.category,
        "engine": engine,
        "reference": battle.reference,
        "evaluated_with_reference": sees_reference
        and bool(battle.reference)
        and REFERENCE not in battle.pair,
    }
