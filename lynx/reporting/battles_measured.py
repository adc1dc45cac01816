"""Reads what battles between models say: ratings.json and battles.jsonl of one benchmark."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from lynx.config.errors import LynxError
from lynx.evaluation.head_to_head import bradley_terry
from lynx.evaluation.head_to_head.battles import Battle, without_repeats
from lynx.evaluation.head_to_head.bradley_terry import Estimate
from lynx.evaluation.head_to_head.run import BATTLES, RATINGS
from lynx.evaluation.results import ResultFiles
from lynx.evaluation.statistics import mcnemar_exact
from lynx.reporting.evidence import relative
from lynx.reporting.grid import Cell, Kind
from lynx.reporting.stale import standing
from lynx.tracking.run_dir import RunDir

FOLDER = "head_to_head"
_SCORES = {"a": 1.0, "tie": 0.5, "b": 0.0}


@dataclass(frozen=True)
class PairCount:
    """Battles of one contestant against another, and the sign test of those that were decided."""

    num_wins: int
    num_losses: int
    num_ties: int

    @property
    def num_all(self) -> int:
        """All battles of the two."""
        return self.num_wins + self.num_losses + self.num_ties

    @property
    def p(self) -> float:
        """Two-sided exact sign test; ties are left out. The arithmetic is McNemar's."""
        return mcnemar_exact(self.num_wins, self.num_losses)


@dataclass(frozen=True)
class Fought:
    """The battles of one benchmark at one scale.

    output_dir: the folder of all runs; scale_dir: of the scale's. ratings: ratings.json.
    """

    benchmark: str
    output_dir: Path
    scale_dir: Path
    ratings: Mapping[str, Any]

    @property
    def folder(self) -> Path:
        """Where the two files lie."""
        return self.scale_dir / FOLDER / self.benchmark

    @property
    def judge(self) -> str:
        """Who decided."""
        return str(self.ratings["judge"])

    @property
    def models(self) -> Mapping[str, Mapping[str, Any]]:
        """What ratings.json says of each contestant."""
        found: Mapping[str, Mapping[str, Any]] = self.ratings["models"]
        return found

    @cached_property
    def battles(self) -> list[Battle]:
        """All battles; raises LynxError where the file is damaged."""
        return read_battles(self.folder / BATTLES)

    def contestants(self, variant: str, seeds: Sequence[int] | None = None) -> list[str]:
        """Names of a variant's contestants, in the order of their seeds; seeds None: all."""
        own = [name for name, model in self.models.items() if model["variant"] == variant]
        chosen = [n for n in own if seeds is None or self.models[n]["seed"] in (*seeds, None)]
        return sorted(chosen, key=lambda name: self.models[name]["seed"] or 0)

    def estimate(self, names: Sequence[str]) -> Estimate:
        """The mean rating of some contestants, with its interval over instructions."""
        return self._fit.estimate(names)

    def difference(self, names: Sequence[str], others: Sequence[str]) -> Estimate:
        """Mean rating of `names` less that of `others`, resampled together."""
        fit = self._fit
        places = [[fit.names.index(name) for name in group] for group in (names, others)]
        drawn = [fit.resampled[:, group].mean(axis=1) for group in places]
        value, other = (float(fit.values[group].mean()) for group in places)
        low, high = np.percentile(drawn[0] - drawn[1], (2.5, 97.5))
        return Estimate(value - other, float(low), float(high))

    def count(self, name: str, other: str) -> PairCount:
        """Battles of `name` against `other`."""
        outcomes = []
        for battle in without_repeats(self.battles):
            if {battle.model_a, battle.model_b} == {name, other}:
                won = battle.winner(self.ratings["tie_rule"])
                outcomes.append("tie" if won == "tie" else (won == "a") == (battle.model_a == name))
        ties = sum(one == "tie" for one in outcomes)
        wins = sum(one is True for one in outcomes)
        return PairCount(wins, len(outcomes) - ties - wins, ties)

    def cell(
        self,
        text: str,
        names: Sequence[str],
        *,
        kind: Kind = "measured",
        value: float | None = None,
        low: float | None = None,
        high: float | None = None,
    ) -> Cell:
        """A cell of a figure about those contestants."""
        paths = [self.folder / RATINGS, self.folder / BATTLES]
        paths += [self._predictions(name) for name in names if self._is_run(name)]
        return Cell(
            text=text,
            kind=kind,
            sources=tuple(relative(path, self.output_dir) for path in paths if path.is_file()),
            value=value,
            low=low,
            high=high,
            is_stale=any(self.changes(name) for name in names),
        )

    def changes(self, name: str) -> list[str]:
        """What has changed since the contestant's answers were judged."""
        if not self._is_run(name):
            return []
        path, source = self._predictions(name), self.ratings["sources"].get(name, {})
        if not path.is_file():
            return []
        found = list(standing(RunDir(self.scale_dir / name), self.benchmark).changes)
        if source.get("sha256") not in (None, sha256_of(path)):
            found.append("other answers stand in its folder than those that were judged")
        return found

    def stale_lines(self) -> list[str]:
        """A line for each contestant whose ratings are out of date."""
        return [
            f"{name}, {self.benchmark}: {'; '.join(changes)}"
            for name in self.models
            if (changes := self.changes(name))
        ]

    @cached_property
    def _fit(self) -> bradley_terry.Ratings:
        """The fit of ratings.json again, with its resamples."""
        scored = [
            (
                b.model_a, b.model_b, _SCORES[b.winner(self.ratings["tie_rule"])],
                f"{b.image_name}\x1f{b.instruction}",
            )
            for b in without_repeats(self.battles)
        ]  # fmt: skip
        fit = bradley_terry.rate(
            bradley_terry.data_of(scored),
            num_resamples=self.ratings["num_resamples"],
            seed=self.ratings["seeds"]["resamples"],
        )
        assert fit is not None  # only a covariate can be unusable
        return fit

    def _is_run(self, name: str) -> bool:
        return self.models[name]["seed"] is not None

    def _predictions(self, name: str) -> Path:
        run = RunDir(self.scale_dir / name)
        return ResultFiles(run.eval_dir(self.benchmark)).predictions_path


def fought(output_dir: Path, scale_dir: Path, benchmark: str) -> Fought | None:
    """The battles of a benchmark; None where there have been none."""
    path = scale_dir / FOLDER / benchmark / RATINGS
    if not path.is_file():
        return None
    try:
        ratings = json.loads(path.read_text("utf-8"))
        _ = ratings["models"], ratings["judge"], ratings["tie_rule"], ratings["seeds"]
    except (ValueError, KeyError, TypeError) as error:
        raise LynxError(f"{path} is not what `lynx head-to-head` writes: {error}") from error
    return Fought(benchmark, output_dir, scale_dir, ratings)


def read_battles(path: Path) -> list[Battle]:
    """The battles of a file; raises LynxError with file and line where it is damaged."""
    found = []
    try:
        lines = path.read_text("utf-8").split("\n")
    except OSError as error:
        raise LynxError(f"{path}: can't be read: {error.strerror}") from error
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            row = json.loads(line)
            tuples = {key: tuple(row[key]) for key in ("verdicts", "replies", "shown_first")}
            found.append(Battle(**{**row, **tuples}))
        except (ValueError, KeyError, TypeError) as error:
            raise LynxError(f"{path}:{number}: is not a battle: {error}") from error
    return found


def sha256_of(path: Path) -> str:
    """Of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
