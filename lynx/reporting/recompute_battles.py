"""Rates saved battles again, and says where ratings.json or the runs' answers tell otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lynx.config.errors import LynxError
from lynx.config.files import flattened
from lynx.evaluation.head_to_head.battles import Battle
from lynx.evaluation.head_to_head.pair_judges import PROMPT, parsed
from lynx.evaluation.head_to_head.ratings import Origin, rate
from lynx.evaluation.head_to_head.run import BATTLES, RATINGS
from lynx.evaluation.results import ResultFiles
from lynx.reporting.battles_measured import read_battles
from lynx.reporting.evidence import relative
from lynx.reporting.recompute import Mismatch, is_near
from lynx.tracking.run_dir import RunDir


def battle_mismatches(folder: Path, output_dir: Path) -> list[Mismatch]:
    """What ratings.json and battles.jsonl of `<scale>/head_to_head/<benchmark>` say otherwise.

    Three things are held against each other: the answers that fought and those in the runs'
    folders, a served judge's replies and the verdicts read from them, battles and ratings.
    """
    try:
        ratings = json.loads((folder / RATINGS).read_text("utf-8"))
        battles = read_battles(folder / BATTLES)
    except (OSError, ValueError, LynxError) as error:
        place = relative(folder / RATINGS, output_dir)
        return [Mismatch(place, "file", "ratings and battles", f"can't be read: {error}")]
    place = relative(folder / BATTLES, output_dir)
    found = list(_answer_mismatches(battles, ratings, folder, place))
    if PROMPT in str(ratings["judge"]):
        found += _verdict_mismatches(battles, place)
    return found + _rating_mismatches(battles, ratings, relative(folder / RATINGS, output_dir))


def _answer_mismatches(
    battles: Sequence[Battle], ratings: Mapping[str, Any], folder: Path, place: str
) -> Iterator[Mismatch]:
    """Answers that fought and are not those in the runs' folders now."""
    answers: dict[str, dict[str, str]] = {}
    for name, model in ratings["models"].items():
        files = ResultFiles(RunDir(folder.parents[1] / name).eval_dir(folder.name))
        if model["seed"] is not None and files.predictions_path.is_file():
            answers[name] = {one.id: one.prediction for one in files.predictions()}
    for number, battle in enumerate(battles, start=1):
        for name, answer in ((battle.model_a, battle.answer_a), (battle.model_b, battle.answer_b)):
            now = answers.get(name, {}).get(battle.question, answer)
            if now != answer:
                yield Mismatch(place, f"line {number}, answer of {name}", answer, now)


def _verdict_mismatches(battles: Sequence[Battle], place: str) -> list[Mismatch]:
    """Verdicts that are not what the judge's replies say."""
    found = []
    for number, battle in enumerate(battles, start=1):
        for said, reply, first in zip(
            battle.verdicts, battle.replies, battle.shown_first, strict=True
        ):
            winner = parsed(reply)
            read = winner or "unparseable"
            if winner in ("a", "b") and first == "b":  # Response A was model b's answer
                read = "b" if winner == "a" else "a"
            if read != said:
                found.append(Mismatch(place, f"line {number}, verdict", said, read))
    return found


def _rating_mismatches(
    battles: Sequence[Battle], ratings: Mapping[str, Any], place: str
) -> list[Mismatch]:
    again = rate(
        battles,
        tie_rule=ratings["tie_rule"],
        origins={
            name: Origin(model["variant"], model["seed"])
            for name, model in ratings["models"].items()
        },
        seed=ratings["seeds"]["resamples"],
        num_resamples=ratings["num_resamples"],
        num_shuffles=ratings["num_shuffles"],
    )
    kept = ("models", "variants", "judging")
    old, new = (
        flattened(json.loads(json.dumps({key: one[key] for key in kept})), origin=place)
        for one in (ratings, again)
    )
    return [
        Mismatch(place, key, str(old.get(key, "-")), str(new.get(key, "-")))
        for key in dict.fromkeys([*old, *new])
        if not is_near(old.get(key), new.get(key))
    ]
