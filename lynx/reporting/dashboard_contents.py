"""Finds what the runs of a scale have logged, so that a dashboard names nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lynx.config.errors import LynxError
from lynx.config.schema import STAGE_NAMES, VISIONS_WITHOUT
from lynx.evaluation.results import ResultFiles
from lynx.reporting.measured import evaluated_folders
from lynx.tracking.loggers import read_metrics
from lynx.tracking.run_dir import RunDir


@dataclass(frozen=True)
class Logged:
    """What the panels are about, as the runs of a scale have measured it.

    classes: of each benchmark, none where answers are not judged. details: benchmarks with scores
    of their own form, by name of each figure. sources: of each stage, those of most samples first.
    losses: sources whose loss was logged (a rare one may miss every logged step). visions: that
    stood for the pictures.
    """

    classes: Mapping[str, Sequence[str]]
    details: Mapping[str, Sequence[str]]
    sources: Mapping[str, Sequence[str]]
    losses: Mapping[str, Sequence[str]]
    visions: Sequence[str]

    @property
    def judged(self) -> list[str]:
        """Benchmarks with verdicts."""
        return [name for name, classes in self.classes.items() if classes]


def find_logged(scale_dir: Path) -> Logged:
    """Read which benchmarks, classes and sources the runs below `scale_dir` have.

    Raises LynxError where there is no run, as every panel would then be a guess.
    """
    runs = [RunDir(path.parent) for path in sorted(scale_dir.glob("*/seed*/config.yaml"))]
    if not runs:
        raise LynxError(
            f"{scale_dir} holds no run, so there is nothing to lay out: train one first "
            "(`lynx train lynx`)"
        )
    classes: dict[str, list[str]] = {}
    details: dict[str, list[str]] = {}
    visions: set[str] = set()
    for run in runs:
        for name in evaluated_folders(run):
            content = ResultFiles(run.eval_dir(name)).scores() or {}
            own = classes.setdefault(name, [])
            own += [one for one in content.get("categories", {}) if one not in own]
            scored = details.setdefault(name, [])
            scored += [one for one in _scored(content.get("details", {})) if one not in scored]
            visions |= set(((content.get("overall") or {}).get("without_vision")) or {})
    return Logged(
        classes=classes,
        details=details,
        sources=_sources(runs, "mix/"),
        losses=_sources(runs, "loss_of/"),
        visions=[vision for vision in VISIONS_WITHOUT if vision in visions],
    )


def _scored(values: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Paths, joined by "/", of the mappings that hold a score and its interval."""
    own = [prefix] if prefix and {"low", "score", "high"} <= set(values) else []
    inner = [
        name
        for key, value in values.items()
        if isinstance(value, Mapping)
        for name in _scored(value, f"{prefix}/{key}" if prefix else key)
    ]
    return own + inner


def _sources(runs: Sequence[RunDir], prefix: str) -> dict[str, list[str]]:
    """By stage, sources with a metric of that name, those of most samples first."""
    found: dict[str, list[str]] = {}
    for stage in STAGE_NAMES:
        samples: dict[str, float] = {}
        for run in runs:
            rows = read_metrics(run.metrics_path(stage))
            for name in {
                key.removeprefix(prefix) for row in rows for key in row if key.startswith(prefix)
            }:
                samples[name] = samples.get(name, 0) + rows[-1].get(f"mix/{name}", 0)
        if samples:
            found[stage] = sorted(samples, key=lambda name: (-samples[name], name))
    return found
