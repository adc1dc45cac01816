"""Tells why a measured figure is out of date: its configuration, data or code have changed since.

Weights that were trained again are another matter: what they answered counts as not evaluated
(`measured.is_outdated`). What can't be known here without work, such as the data of shards that lie
elsewhere, is said to be unknown and marks nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from lynx.config.compose import NO_VARIANT
from lynx.config.diff import ABSENT, Diff, resolved_diff
from lynx.config.errors import LynxError
from lynx.config.schema import Config
from lynx.evaluation.results import ResultFiles
from lynx.reporting.configs import config_of, variant_today
from lynx.reporting.data_today import data_changes
from lynx.tracking.code_identity import code_identity
from lynx.tracking.run_dir import RunDir

# Where evaluation's settings count, they stand in the protocol of the answers.
_NOT_OF_TRAINING = (*NO_VARIANT, "vocabulary.", "evaluation.", "hardware.", "data.pack")
_OF_TRAINING = ("hardware.precision",)
_HOW_A_STEP_IS_SPLIT = (".micro_batch_size",)
_MOST_NAMED = 3
BASELINE = "baseline.yaml"  # instead of config.yaml, in the folder of a model that isn't ours


@dataclass(frozen=True)
class Standing:
    """Of a run's evaluation: what has changed since, and what could not be compared."""

    changes: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def is_stale(self) -> bool:
        """Whether anything that decides the figures is known to have changed."""
        return bool(self.changes)


def standing(run: RunDir, benchmark: str) -> Standing:
    """What has changed since the run was trained and asked, as far as it is cheaply known."""
    protocol_path = ResultFiles(run.eval_dir(benchmark)).protocol_path
    return _standing(run, benchmark, _time_of(run.config_path), _time_of(protocol_path))


@lru_cache(maxsize=1024)
def _standing(run: RunDir, benchmark: str, config_time: int, protocol_time: int) -> Standing:
    """times: of the files that decide, so that they are read anew when they change."""
    protocol = ResultFiles(run.eval_dir(benchmark)).protocol() or {}
    changes, unknown = _of_the_run(run, config_time)
    asked, not_asked = _of_the_asking(run, benchmark, protocol)
    return Standing((*changes, *asked), (*unknown, *not_asked))


def _time_of(path: Path) -> int:
    return path.stat().st_mtime_ns if path.is_file() else 0


def stale_reasons(runs: Iterable[RunDir], benchmarks: Iterable[str]) -> list[str]:
    """A line for each evaluation that is out of date."""
    names = list(benchmarks)
    lines = []
    for run in runs:
        for name in names:
            if not ResultFiles(run.eval_dir(name)).scores_path.is_file():
                continue
            found = standing(run, name)
            if found.is_stale:
                lines.append(f"{_short(run)}, {name}: {'; '.join(found.changes)}")
    return lines


def unknown_reasons(runs: Iterable[RunDir], benchmarks: Iterable[str]) -> list[str]:
    """What could not be compared, once each, with the number of evaluations that it holds for."""
    names, counted = list(benchmarks), dict[str, int]()
    for run in runs:
        for name in names:
            if ResultFiles(run.eval_dir(name)).scores_path.is_file():
                for reason in standing(run, name).unknown:
                    counted[reason] = counted.get(reason, 0) + 1
    return [f"not known whether out of date: {one} ({n} evaluations)" for one, n in counted.items()]


@lru_cache(maxsize=512)
def _of_the_run(run: RunDir, time: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Changes of what decides the weights. time: of config.yaml, so that it is read anew."""
    if not time:
        is_ours = not (run.path / BASELINE).is_file()  # other models are not trained here
        return (), ("its config.yaml is not here",) if is_ours else ()
    try:
        old = config_of(run)
    except LynxError as error:
        return (f"config.yaml can't be read by today's schema: {error}",), ()
    today = variant_today(run)
    changes: list[str] = []
    unknown: list[str] = []
    if today is None:
        unknown.append("values were given on the command line, or its variant is not here")
    else:
        changes += _named(_of_training(resolved_diff(old, today)))
    data, data_unknown = data_changes(run, today or old)
    return (*changes, *data), (*unknown, *data_unknown)


def _of_the_asking(
    run: RunDir, benchmark: str, protocol: dict[str, Any]
) -> tuple[list[str], list[str]]:
    """Changes of how the benchmark is asked, and of the code that asks and scores."""
    changes: list[str] = []
    unknown: list[str] = []
    if "code" not in protocol:
        unknown.append("by which code it was evaluated")
    elif protocol["code"] != code_identity():
        changes.append(f"code was {protocol['code']}, is {code_identity()}")
    config = _config_today(run)
    if config is None or benchmark not in config.evaluation.benchmarks:
        return changes, unknown
    for key, value in asking_today(config, benchmark).items():
        if key in protocol and protocol[key] != value:
            changes.append(f"{key}: {_change(protocol[key], value)}")
    described = protocol.get("plug_and_play") is not None
    if described != config.evaluation.benchmarks[benchmark].plug_and_play:
        changes.append(f"plug_and_play: {str(described).lower()} -> {str(not described).lower()}")
    return changes, unknown


def asking_today(config: Config, benchmark: str) -> dict[str, Any]:
    """What of the protocol follows from the configuration alone, without the questions."""
    settings = config.evaluation.benchmarks[benchmark]
    rows = {name: asdict(row) for name, row in config.evaluation.generation.items()}
    found: dict[str, Any] = {
        "max_input_tokens": config.evaluation.max_input_tokens,
        "image_size": config.stages.instruct.image_size,
        "format": settings.format,
    }
    if settings.generation in rows:
        found["decoding"] = {"row": settings.generation, **rows[settings.generation]}
    return found


def _config_today(run: RunDir) -> Config | None:
    """Of the variant today, or the run's own where that is not known."""
    try:
        return variant_today(run) or config_of(run)
    except LynxError:
        return None


def _of_training(changes: Diff) -> Diff:
    return {key: pair for key, pair in changes.items() if _decides_weights(key)}


def _decides_weights(key: str) -> bool:
    """Whether a change of the key gives other weights; how a step is split does not."""
    if key in _OF_TRAINING:
        return True
    return not key.startswith(_NOT_OF_TRAINING) and not key.endswith(_HOW_A_STEP_IS_SPLIT)


def _named(changes: Diff) -> list[str]:
    lines = [f"{key}: {_change(*pair)}" for key, pair in changes.items()]
    more = len(lines) - _MOST_NAMED
    return lines[:_MOST_NAMED] + ([f"and {more} more keys"] if more > 0 else [])


def _change(old: Any, new: Any) -> str:
    """Old and new; of mappings the entries that differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = [key for key in old | new if old.get(key, ABSENT) != new.get(key, ABSENT)]
        parts = [f"{key} {old.get(key, ABSENT)} -> {new.get(key, ABSENT)}" for key in keys]
        return ", ".join(parts)
    return f"{old} -> {new}"


def _short(run: RunDir) -> str:
    return "/".join(run.path.parts[-2:])
